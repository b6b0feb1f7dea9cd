import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createAnswerJudge, type Judged, type Limits, recoveryMs, sortOut } from './judge.ts';

const judge = createAnswerJudge(new Map([['a-game', '7']]));
const page = '{"id":7,"slug":"a-game"}';
const answer = { status: 200, cacheStatus: '', etag: '"v1"', body: page };
const hot = { asked: 'hot', slug: 'a-game', etag: undefined } as const;
const unknown = { asked: 'unknown', slug: 'no-game', etag: undefined } as const;

suite('an answer', () => {
  test('is good when it is the page that was asked for, again and again', () => {
    for (let i = 0; i < 2; i++) assert.deepEqual(judge.judge(hot, answer), { verdict: 'good', what: '200' });
  });

  test('is wrong when it is another page, none, or one of what does not exist', () => {
    for (const body of ['{"id":8,"slug":"a-game"}', '{"id":7,"slug":"b-game"}', page.slice(0, 9), ''])
      assert.equal(judge.judge(hot, { ...answer, body }).verdict, 'wrong', body);
    assert.equal(judge.judge(unknown, answer).verdict, 'wrong');
  });

  test('is wrong by any other status', () => {
    for (const status of [201, 400, 500, 502, 504])
      assert.deepEqual(judge.judge(hot, { ...answer, status }), {
        verdict: 'wrong',
        what: `status ${status}`,
      });
  });

  test('of an unknown slug is 404, of a known one never', () => {
    const absent = { ...answer, status: 404 };
    assert.equal(judge.judge(unknown, absent).verdict, 'good');
    assert.equal(judge.judge(hot, absent).verdict, 'wrong');
  });

  test('is 304 for the version that the client has, and for no other', () => {
    const unchanged = { ...answer, status: 304, body: '' };
    const conditional = { ...hot, asked: 'conditional', etag: '"v1"' } as const;
    assert.equal(judge.judge(conditional, unchanged).verdict, 'good');
    assert.equal(judge.judge({ ...conditional, etag: '"v0"' }, unchanged).verdict, 'wrong');
    assert.equal(judge.judge(hot, unchanged).verdict, 'wrong');
  });

  test('may say that it is stale, or be refused', () => {
    const cacheStatus = 'frontshelf-memory; hit; detail=stale';
    assert.equal(judge.judge(hot, { ...answer, cacheStatus }).verdict, 'stale');
    assert.equal(judge.judge(hot, { ...answer, status: 503 }).verdict, 'refused');
  });
});

const limits: Limits = { deadlineMs: 2500, recoveryMs: 5000, slowMs: 250 };

const request = (sentAtMs: number, tookMs: number, more: Partial<Judged> = {}): Judged => ({
  asked: 'cold',
  verdict: 'good',
  what: '200',
  sentAtMs,
  endedAtMs: sentAtMs + tookMs,
  lateMs: 0,
  localPort: 1,
  ...more,
});
const lost = { verdict: 'no answer', what: 'ECONNRESET' } as const;

suite('a promise', () => {
  const worker = { kind: 'worker-killed', beganAtMs: 1000, endedAtMs: 1050, workerPorts: new Set([1]) };
  const primary = { kind: 'primary-killed', beganAtMs: 9000, endedAtMs: 11_000, primaryPorts: new Set([3]) };

  test('is not broken by what goes with a worker, or comes while there is no primary', () => {
    const excused = [request(999, 10, lost), request(9500, 1, { ...lost, localPort: undefined })];
    assert.deepEqual(sortOut(excused, [worker, primary], limits), {
      excused,
      wrong: [],
      unanswered: [],
      late: [],
      refusedHits: [],
    });
  });

  test('is broken by any other request without an answer, and by a late one', () => {
    const unanswered = [
      request(999, 10, { ...lost, localPort: 2 }),
      request(9500, 1, { ...lost, localPort: 3 }),
      request(20_000, 1, lost),
    ];
    const late = [request(30_000, 2501)];
    const fine = request(40_000, 2499);
    const sorted = sortOut([...unanswered, ...late, fine], [worker, primary], limits);
    assert.deepEqual(sorted.unanswered, unanswered);
    assert.deepEqual(sorted.late, late);
    assert.deepEqual(sorted.excused, []);
  });

  test('is broken when a page in memory is refused, not when another is', () => {
    const refused = { verdict: 'refused', what: '503' } as const;
    const hits = [
      request(1, 1, { ...refused, asked: 'hot' }),
      request(1, 1, { ...refused, asked: 'conditional' }),
    ];
    assert.deepEqual(sortOut([...hits, request(1, 1, refused)], [], limits).refusedHits, hits);

    const hit = { ...refused, asked: 'hot' } as const;
    const cold = [request(1001, 1, hit), request(6049, 1, hit), request(15_999, 1, hit)];
    const warm = [request(999, 1, hit), request(6051, 1, hit), request(16_001, 1, hit)];
    const sorted = sortOut([...cold, ...warm], [worker, primary], limits);
    assert.deepEqual(sorted.refusedHits, warm, 'but for 5 s after the start of another process');
  });
});

suite('recovery', () => {
  const calm = (fromMs: number, untilMs: number, tookMs = 5) =>
    Array.from({ length: (untilMs - fromMs) / 10 }, (_, i) => request(fromMs + i * 10, tookMs));

  test('is at once when all is well from the first request on', () => {
    assert.equal(recoveryMs(calm(1000, 6000), 1000, limits), 0);
  });

  test('lasts until the last request that was refused, stale or not answered', () => {
    for (const verdict of ['refused', 'stale', 'no answer'] as const)
      assert.equal(
        recoveryMs([...calm(1000, 6000), request(3210, 5, { verdict })], 1000, limits),
        2210,
        verdict,
      );
  });

  test('lasts until the end of the last slow second', () => {
    const slow = [...calm(1000, 2000), ...calm(2000, 3000, 300), ...calm(3000, 6000)];
    assert.equal(recoveryMs(slow, 1000, limits), 2000);
    const heldUp = slow.map((late) => ({ ...late, lateMs: 150 }));
    assert.equal(recoveryMs(heldUp, 1000, limits), 0, 'the generator was held up as well');
  });

  test('lasts until a page is served that is not in memory, for ever when none is', () => {
    const hits = calm(1000, 6000).map((hit) => ({ ...hit, asked: 'hot' as const }));
    assert.equal(recoveryMs([...hits, request(4000, 5)], 1000, limits), 3000);
    assert.equal(recoveryMs(hits, 1000, limits), Number.POSITIVE_INFINITY);
  });
});
