import assert from 'node:assert/strict';
import { after as afterAll, before, suite, test } from 'node:test';
import { hostileRequests } from './hostile-requests.ts';
import { answersTo, represent, request, startTestServer, type TestServer } from './testing.ts';

const slug = 'page';
const path = `/v1/products/${slug}`;
const document = { slug };
const bodyBytes = Buffer.from(JSON.stringify(document));

for (const shelf of ['the source', 'memory'] as const)
  suite(`a hostile request gets its answer and no other while pages come from ${shelf}`, () => {
    const loaded: string[] = [];
    let server: TestServer;
    before(async () => {
      const load = async (key: string) => {
        loaded.push(key);
        return represent(key === slug ? document : { key });
      };
      server = await startTestServer(load, shelf === 'memory' ? {} : { memoryMaxBytes: 0 });
      await request(server.port, path);
    });
    afterAll(async () => {
      // First, as a failure before it would leave the test file running for ever.
      await server.close();
      assert.equal(
        server.recorded('_OTHER', 'unmatched', 'other'),
        0,
        'no answer is without a series of its own',
      );
      assert.deepEqual(server.unexpectedErrors, []);
    });

    for (const { name, bytes, answers, after, pages = 0 } of hostileRequests(path))
      test(name, async () => {
        loaded.length = 0;
        const recorded = server.recordedRequests();
        const seen = await answersTo(server.port, bytes, bodyBytes);
        assert.deepEqual(seen, { answers, after });
        // Requests at once for one page are one read.
        const looked = shelf === 'memory' || pages === 0 ? [] : [slug];
        assert.deepEqual([...new Set(loaded)], looked, 'what was looked for');
        assert.equal(
          server.recordedRequests() - recorded,
          answers.length + (after === 'kept' ? 1 : 0),
          'as many requests were handled as were answered',
        );
        const next = await request(server.port, path);
        assert.deepEqual([next.status, next.body], [200, bodyBytes]);
      });
  });
