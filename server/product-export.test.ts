import assert from 'node:assert/strict';
import { get as httpGet, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { brotliDecompressSync, constants, gunzipSync } from 'node:zlib';
import type { Demand } from '../cache/entry.ts';
import { eventually } from '../cache/eventually.ts';
import { DatabaseUnavailable } from '../sql/errors.ts';
import { Overloaded } from './admission.ts';
import {
  exportBatchMax,
  exportBatchMs,
  exportFirstBatch,
  exportPatienceMs,
  exportRestShare,
  exportRetryMs,
  exportsMax,
  exportYieldMs,
} from './limits.ts';
import { exportedLines } from './product-export.ts';
import { openConnection, request, startTestServer } from './testing.ts';

const line = (id: number) => `{"id":${id},"title":"Pokémon™ 🎮 ${'x'.repeat(id % 500)}"}\n`;

/** The documents 1 to `count`, as `read` gives them. */
function batchOf(count: number, afterId: string, limit: number) {
  const first = Number(afterId) + 1;
  const last = Math.min(count, Number(afterId) + limit);
  const lines = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => line(first + index));
  return {
    lines: Buffer.from(lines.join('')),
    count: lines.length,
    lastId: lines.length === 0 ? null : String(last),
  };
}

const allLines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => line(from + index)).join('');

suite('reading', () => {
  /** A source under a clock of its own, which a read moves on by what `read` says it takes. */
  function source(
    count: number,
    read: (limit: number, nowMs: number, demand: Demand) => number | Error = () => exportBatchMs,
  ) {
    let nowMs = 1000;
    const limits: number[] = [];
    return {
      limits,
      get nowMs() {
        return nowMs;
      },
      now: () => nowMs,
      delay: async (ms: number) => {
        nowMs += ms;
      },
      read: async (afterId: string, limit: number, demand: Demand) => {
        limits.push(limit);
        const outcome = read(limit, nowMs, demand);
        if (outcome instanceof Error) throw outcome;
        nowMs += outcome;
        return batchOf(count, afterId, limit);
      },
    };
  }

  async function textOf(lines: AsyncIterable<Buffer>): Promise<string> {
    return Buffer.concat(await Array.fromAsync(lines)).toString();
  }

  test('every document comes once and in order, from the beginning or from after any id', async () => {
    for (const [count, afterId] of [
      [0, 0],
      [1, 0],
      [exportFirstBatch, 0],
      [500, 0],
      [500, 123],
      [500, 500],
      [500, 900],
    ] as const)
      assert.equal(
        await textOf(exportedLines(source(count), String(afterId), () => true)),
        afterId >= count ? '' : allLines(afterId + 1, count),
      );
  });

  test('batches begin small and grow as far as they are read in time', async () => {
    const quick = source(1000, () => 1);
    await textOf(exportedLines(quick, '0', () => true));
    assert.deepEqual(quick.limits.slice(0, 7), [2, 4, 8, 16, exportBatchMax, exportBatchMax, exportBatchMax]);
    const slow = source(100, (limit) => limit * (exportBatchMs / 3.5));
    await textOf(exportedLines(slow, '0', () => true));
    assert.deepEqual(slow.limits.slice(0, 4), [2, 3, 3, 3]);
    const stuck = source(5, () => 100 * exportBatchMs);
    await textOf(exportedLines(stuck, '0', () => true));
    assert.deepEqual(stuck.limits.slice(0, 2), [2, 2]);
  });

  test('a rest follows each batch, by the time that it took', async () => {
    const tookMs = 40;
    const starts: number[] = [];
    const busy = source(7, (_limit, nowMs) => {
      starts.push(nowMs);
      return tookMs;
    });
    await textOf(exportedLines(busy, '0', () => true));
    const periodMs = tookMs * (1 + exportRestShare);
    assert.deepEqual(
      starts,
      [0, 1, 2, 3].map((turn) => 1000 + turn * periodMs),
    );
  });

  test('the first batch is waited for, as a page is, and those after it are not', async () => {
    const waitedFor: boolean[] = [];
    const looked = source(100, (_limit, _nowMs, demand) => {
      waitedFor.push(demand.isWaitedFor());
      return 1;
    });
    await textOf(exportedLines(looked, '0', () => true));
    assert.deepEqual(waitedFor, [true, ...waitedFor.slice(1).map(() => false)]);
    assert.ok(waitedFor.length > 2);
  });

  test('a Postgres that is back within the patience costs an export nothing but time', async () => {
    const gone = source(200, (limit, nowMs) =>
      limit > exportFirstBatch && nowMs < 1000 + exportPatienceMs / 2 ? new DatabaseUnavailable('gone') : 1,
    );
    assert.equal(await textOf(exportedLines(gone, '0', () => true)), allLines(1, 200));
  });

  test('while there is no room others go first for a second; then it waits for its turn, with batches as large as before', async () => {
    const full = source(300, (limit, _nowMs, demand) =>
      limit === exportFirstBatch || demand.isWaitedFor() ? 1 : new Overloaded('no room'),
    );
    assert.equal(await textOf(exportedLines(full, '0', () => true)), allLines(1, 300));
    const tries = 1 + exportYieldMs / exportRetryMs;
    assert.deepEqual(full.limits.slice(0, 2 + tries), [2, ...Array(tries).fill(4), 8]);
  });

  test('a batch that is too much for a statement is asked for again by halves', async () => {
    const weak = source(300, (limit) => (limit > 9 ? new DatabaseUnavailable('statement timeout') : 1));
    assert.equal(await textOf(exportedLines(weak, '0', () => true)), allLines(1, 300));
  });

  test('it breaks off when a batch was not to be had for the whole patience, or with what no patience mends', async () => {
    let batches = 0;
    const down = source(200, () => (batches++ === 0 ? 1 : new DatabaseUnavailable('gone')));
    await assert.rejects(
      textOf(
        exportedLines(
          source(200, (limit) => (limit === exportFirstBatch ? 1 : new TypeError('a bug'))),
          '0',
          () => true,
        ),
      ),
      TypeError,
    );
    await assert.rejects(textOf(exportedLines(down, '0', () => true)), DatabaseUnavailable);
    assert.ok(down.nowMs >= 1000 + exportPatienceMs && down.nowMs < 1000 + exportPatienceMs + 1000);
  });

  test('an export that cannot begin, or that nobody takes any more, is not tried again', async () => {
    const down = source(10, () => new DatabaseUnavailable('gone'));
    await assert.rejects(textOf(exportedLines(down, '0', () => true)), DatabaseUnavailable);
    assert.equal(down.limits.length, 1);
    let isWanted = true;
    const left = source(100, (limit) => {
      if (limit === exportFirstBatch) return 1;
      isWanted = false;
      return new DatabaseUnavailable('gone');
    });
    await assert.rejects(textOf(exportedLines(left, '0', () => isWanted)), DatabaseUnavailable);
    assert.equal(left.limits.length, 2);
  });
});

interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The end was an end, and not that of the connection. */
  readonly isComplete: boolean;
}

const receive = (port: number, query = '', headers: Record<string, string> = {}): Promise<Received> =>
  new Promise((resolve, reject) => {
    httpGet(
      { port, host: '127.0.0.1', path: `/v1/products.ndjson${query}`, headers, agent: false },
      (res) => {
        const pieces: Buffer[] = [];
        const end = () =>
          resolve({
            status: res.statusCode ?? 0,
            headers: res.headers,
            body: Buffer.concat(pieces),
            isComplete: res.complete,
          });
        res.on('data', (piece) => pieces.push(piece));
        res.on('end', end).on('error', end);
      },
    ).on('error', reject);
  });

suite('sending', () => {
  const problem = ({ status, body }: { status: number; body: Buffer }) =>
    `${status} ${JSON.parse(body.toString()).type.replace('/problems/', '')}`;
  const route = '/v1/products.ndjson';

  async function withServer(
    read: (afterId: string, limit: number, demand: Demand) => Promise<ReturnType<typeof batchOf>>,
    act: (server: Awaited<ReturnType<typeof startTestServer>>) => Promise<void>,
  ): Promise<void> {
    const server = await startTestServer(async () => undefined, {}, { readBatch: read });
    try {
      await act(server);
      assert.equal(server.recorded('_OTHER', 'unmatched', 'other'), 0);
      await eventually('no request is under way', 2000, async () => server.recorder.activeRequests === 0);
    } finally {
      await server.close();
    }
  }

  test('an export comes whole in every coding, chunked, and is recorded once with the bytes it sent', () =>
    withServer(
      async (afterId, limit) => batchOf(2000, afterId, limit),
      async (server) => {
        for (const [accept, coding, decode] of [
          ['identity', undefined, (body: Buffer) => body],
          ['gzip;q=0.5, br', 'br', brotliDecompressSync],
          ['gzip, br;q=0', 'gzip', gunzipSync],
        ] as const) {
          const { status, headers, body, isComplete } = await receive(server.port, '?cursor=10', {
            'accept-encoding': accept,
          });
          assert.deepEqual([status, isComplete], [200, true]);
          assert.equal(decode(body).toString(), allLines(11, 2000));
          const { date: _, 'content-encoding': contentEncoding, ...rest } = headers;
          assert.equal(contentEncoding, coding);
          assert.deepEqual(rest, {
            'content-type': 'application/x-ndjson',
            'cache-control': 'no-store',
            vary: 'Accept-Encoding',
            'x-content-type-options': 'nosniff',
            'access-control-allow-origin': '*',
            connection: 'close',
            'transfer-encoding': 'chunked',
          });
          await eventually('it is logged', 1000, async () => server.logged.length > 0);
          const { durationMs: _duration, ...logged } = server.logged.pop() ?? assert.fail();
          assert.deepEqual(logged, { method: 'GET', route, status: 200, bytes: body.length });
        }
        assert.equal(server.recorded('GET', route, 200), 3);
      },
    ));

  test('a catalogue without products is an export without lines', () =>
    withServer(
      async () => batchOf(0, '0', 1),
      async (server) => {
        const { status, body, isComplete } = await receive(server.port);
        assert.deepEqual([status, body.length, isComplete], [200, 0, true]);
        const compressed = await receive(server.port, '', { 'accept-encoding': 'br' });
        assert.equal(brotliDecompressSync(compressed.body).length, 0);
      },
    ));

  test('HEAD answers as GET does, reads nothing and takes no place', () => {
    let reads = 0;
    return withServer(
      async () => {
        reads++;
        return batchOf(0, '0', 1);
      },
      async (server) => {
        const head = await request(server.port, route, { method: 'HEAD', fields: ['Accept-Encoding: br'] });
        assert.equal(head.status, 200);
        assert.equal(head.headers.get('content-encoding'), 'br');
        assert.equal(reads, 0);
        assert.equal(server.recorded('HEAD', route, 200), 1);
      },
    );
  });

  test('a cursor that is no id, another parameter, or the same one twice is refused', () =>
    withServer(
      async () => batchOf(0, '0', 1),
      async (server) => {
        const refused: readonly (readonly [query: string, expected: string])[] = [
          ['cursor=', '400 malformed-parameter'],
          ['cursor=-1', '400 malformed-parameter'],
          ['cursor=01', '400 malformed-parameter'],
          ['cursor=1.0', '400 malformed-parameter'],
          ['cursor=1e3', '400 malformed-parameter'],
          ['cursor=%31', '400 malformed-parameter'],
          ['cursor=1234567890123456789', '400 malformed-parameter'],
          ['cursor=1&cursor=1', '400 malformed-parameter'],
          ['limit=3', '400 unknown-parameter'],
          ['cursor=1&limit=3', '400 unknown-parameter'],
          ['x', '400 unknown-parameter'],
        ];
        for (const [query, expected] of refused)
          assert.equal(problem(await request(server.port, `${route}?${query}`)), expected, query);
        for (const query of ['?cursor=0', '?cursor=999999999999999999'])
          assert.equal((await receive(server.port, query)).status, 200, query);
      },
    ));

  test('an export over HTTP/1.0, where a broken one looks like a whole one, is refused', () =>
    withServer(
      async () => batchOf(10, '0', 10),
      async (server) => {
        const connection = openConnection(server.port);
        connection.send(`GET ${route} HTTP/1.0\r\n\r\n`);
        assert.equal(problem(await connection.response()), '400 malformed-request');
        connection.close();
      },
    ));

  test('what cannot begin has a status; what breaks off in the middle has no end, and counts as failed', () => {
    let readable = 0;
    let error: Error = new TypeError('a bug');
    return withServer(
      async (afterId, limit) => {
        if (readable-- > 0) return batchOf(10_000, afterId, limit);
        // What was read before is on its way by then.
        await delay(20);
        throw error;
      },
      async (server) => {
        assert.equal(problem(await receive(server.port)), '500 internal-error');
        error = new DatabaseUnavailable('gone');
        const refused = await receive(server.port);
        assert.equal(problem(refused), '503 temporarily-unavailable');
        assert.match(String(refused.headers['retry-after']), /^[123]$/);

        error = new TypeError('a bug');
        for (const [accept, decode] of [
          ['identity', (body: Buffer) => body],
          // What arrived can be read, as each batch is flushed.
          [
            'br',
            (body: Buffer) => brotliDecompressSync(body, { finishFlush: constants.BROTLI_OPERATION_FLUSH }),
          ],
          ['gzip', (body: Buffer) => gunzipSync(body, { finishFlush: constants.Z_SYNC_FLUSH })],
        ] as const) {
          readable = 2;
          const broken = await receive(server.port, '', { 'accept-encoding': accept });
          assert.deepEqual([broken.status, broken.isComplete], [200, false]);
          const text = decode(broken.body).toString();
          assert.ok(allLines(1, 24).startsWith(text), accept);
        }
        await eventually('all are recorded', 1000, async () => server.recorded('GET', route, 500) === 4);
        assert.equal(server.recorded('GET', route, 503), 1);
        assert.equal(server.recorded('GET', route, 200), 0);
        assert.equal(server.unexpectedErrors.length, 4);
      },
    );
  });

  test('a client that takes nothing stops the reading, and one that leaves ends it and frees its place', () => {
    let reads = 0;
    return withServer(
      async (afterId, limit) => {
        reads++;
        return { ...batchOf(Number(afterId) + limit, afterId, limit), lines: Buffer.alloc(1e6, 'x') };
      },
      async (server) => {
        for (let round = 0; round < exportsMax + 1; round++) {
          const before = reads;
          const socket = connect(server.port, '127.0.0.1');
          socket.on('error', () => {}).pause();
          socket.write(`GET ${route} HTTP/1.1\r\nHost: a\r\n\r\n`);
          await eventually('it has begun', 2000, async () => reads > before);
          // Until neither side's kernel takes any more.
          let seen: number;
          do {
            seen = reads;
            await delay(100);
          } while (reads > seen);
          assert.ok(reads - before < 20, `${reads - before} MB were read for nobody`);
          socket.destroy();
          await eventually(
            'it is recorded',
            2000,
            async () => server.recorded('GET', route, 200) === round + 1,
          );
        }
      },
    );
  });

  test('an export that waits behind another answer ends with their connection too', () =>
    withServer(
      async (afterId, limit) => ({
        ...batchOf(Number(afterId) + limit, afterId, limit),
        lines: Buffer.alloc(1e6),
      }),
      async (server) => {
        const socket = connect(server.port, '127.0.0.1');
        socket.on('error', () => {}).pause();
        socket.write(`GET ${route} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(2));
        await eventually('both are under way', 2000, async () => server.recorder.activeRequests === 2);
        await delay(50);
        socket.destroy();
        await eventually('both are recorded', 2000, async () => server.recorded('GET', route, 200) === 2);
      },
    ));

  test('one export too many, or to a worker that is to stop, is refused on a connection that closes', () => {
    const held = Promise.withResolvers<void>();
    return withServer(
      async (afterId, limit) => {
        await held.promise;
        return batchOf(10, afterId, limit);
      },
      async (server) => {
        const under = Array.from({ length: exportsMax }, () => receive(server.port));
        await eventually(
          'they are under way',
          2000,
          async () => server.recorder.activeRequests === exportsMax,
        );
        for (const method of ['GET', 'HEAD']) {
          const refused = await request(server.port, route, { method });
          assert.equal(refused.status, 503);
          assert.equal(refused.headers.get('connection'), 'close');
          assert.match(refused.headers.get('retry-after') ?? '', /^[123]$/);
        }
        held.resolve();
        for (const { isComplete } of await Promise.all(under)) assert.ok(isComplete);
        server.state.draining = true;
        assert.equal(problem(await receive(server.port)), '503 temporarily-unavailable');
        server.state.draining = false;
        assert.equal((await receive(server.port)).status, 200);
      },
    );
  });
});
