/**
 * Clients that hold connections and use them little or not at all, before the server as its users run it, while others ask
 * for pages. Takes about four minutes. What is measured is printed.
 */
import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { after, before, suite, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually } from '../cache/eventually.ts';
import { popularSlugs } from '../loadtest/catalogue.ts';
import { onPath } from '../local/on-path.ts';
import {
  headTimeoutMs,
  keepAliveBufferMs,
  keepAliveTimeoutMs,
  slowReaderTimeoutMs,
  timeoutCheckMs,
} from '../server/limits.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import type { Held, Hold } from './connection-holder.ts';
import { get, startClients } from './keep-alive-clients.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const slowhttptest = onPath('slowhttptest');
const debuggerPath = onPath('gdb');
const noTester = slowhttptest
  ? false
  : 'slowhttptest is not on the PATH; Debian has it in package slowhttptest';
/** A busy machine's timers are late, and a tester counts whole seconds. */
const slackMs = 2500;
/** Those of who asks for pages the while: four that stay, and new ones. */
const calmConnections = 8;
const idleConnections = 10_000;
const idleRounds = 3;
const holders = 4;
/**
 * Of what there was before, garbage being collected and free memory given back. glibc gives back only what is free at the end of
 * its heap, so where a burst was it keeps tens of megabytes for the next one; a debugger can tell it to give back all of
 * it. Without one, resident memory is compared with what it was after the first round, which takes that room. A
 * kilobyte left behind by each of a round's 30,000 connections would show.
 */
const memoryTolerance = 0.1;
/** Descriptors that come and go by themselves: connections to Postgres. */
const descriptorTolerance = 4;

suite('clients that hold connections', { skip: process.platform !== 'linux' && 'it reads /proc' }, () => {
  let database: TestDatabase;
  let server: ServerProcess;
  let paths: string[];

  before(async () => {
    database = await createTestDatabase({ products: 50 });
    server = await startServer({
      DATABASE_URL: database.readerUrl,
      WORKERS: '2',
      WARMUP_PRODUCTS: '50',
      NODE_OPTIONS: `--expose-gc --import ${new URL('collect-on-signal.ts', import.meta.url)}`,
    });
    paths = (await popularSlugs(server.url, 50)).map((slug) => `/v1/products/${slug}`);
  });
  after(async () => {
    await server?.destroy();
    await database?.drop();
  });

  const port = () => Number(new URL(server.url).port);

  /** Runs it while pages are asked for on open connections and on new ones; every answer must be the page. */
  async function whilePagesAreServed<T>(t: TestContext, run: () => Promise<T>): Promise<T> {
    const clients = await startClients(server.url, 4, paths, { pauseMs: 20 });
    let isOver = false;
    const durations: number[] = [];
    const newcomers = (async () => {
      while (!isOver) {
        const { status, durationMs } = await get(`${server.url}${paths[durations.length % paths.length]}`);
        assert.equal(status, 200);
        durations.push(durationMs);
        await delay(20);
      }
    })();
    try {
      return await Promise.race([run(), newcomers.then(() => assert.fail('newcomers were not served'))]);
    } finally {
      isOver = true;
      await newcomers;
      const reports = await clients.stop();
      const answers = reports.reduce((sum, report) => sum + report.answers, 0);
      const late = durations.sort((a, b) => a - b).at(Math.floor(0.99 * durations.length)) ?? 0;
      t.diagnostic(
        `${answers} pages on open connections and ${durations.length} on new ones, all 200; p99 on new ones ${late.toFixed(0)} ms`,
      );
      assert.deepEqual(
        reports.flatMap(({ refusals, failures }) => [...refusals, ...failures]),
        [],
      );
      assert.ok(answers > 100 && durations.length > 20, 'there were requests');
    }
  }

  async function metric(name: string): Promise<number> {
    const { body } = await get(`${server.adminUrl}/metrics`);
    const lines = body.split('\n').filter((line) => line.startsWith(name));
    assert.ok(lines.length > 0, `${name} is exposed`);
    return lines.reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
  }

  /** Of all workers together: as the kernel tells, and for the heap as they do, up to a second ago. */
  async function resources(): Promise<Resources> {
    const { workers } = await server.status();
    const pids = workers.map(({ pid }) => pid);
    const sum = (of: (pid: number | null) => number) => pids.map(of).reduce((a, b) => a + b);
    return {
      descriptors: sum((pid) => readdirSync(`/proc/${pid}/fd`).length),
      residentMiB:
        sum((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])) / 1024,
      heapMiB: (await metric('v8js_memory_heap_used_bytes')) / 1024 ** 2,
    };
  }

  /** The same when garbage has been collected, and free memory was given back where it can be. */
  async function collected(): Promise<Resources> {
    const { workers } = await server.status();
    // What a first collection finds dead at the end of its life is taken by a second one.
    for (let i = 0; i < 2; i++) {
      for (const { pid } of workers) if (pid !== null) process.kill(pid, 'SIGUSR2');
      await delay(2000);
    }
    if (debuggerPath !== undefined)
      for (const { pid } of workers)
        await outputOf(debuggerPath, ['-p', String(pid), '-batch', '-ex', 'call (int)malloc_trim(0)']);
    return resources();
  }

  for (const [name, args, withinMs] of [
    ['headers', ['-H', '-t', 'GET', '-i', '1'], headTimeoutMs + timeoutCheckMs],
    // Who sends a body is answered and closed at once.
    ['bodies', ['-B', '-i', '1'], 0],
    // Ten pages at once fit into the kernel's buffers, so the server is done, and the connection idle.
    [
      'reads',
      ['-X', '-k', '10', '-w', '10', '-y', '20', '-n', '5', '-z', '32'],
      keepAliveTimeoutMs + keepAliveBufferMs,
    ],
  ] as const)
    test(`slow ${name} harm nobody, and end within ${withinMs / 1000} s`, { skip: noTester }, async (t) => {
      const [connections, rate, seconds] = [1000, 1000, 20];
      const beganAtMs = performance.now();
      let [mostOpen, lastSeenMs] = [0, 0];
      const output = await whilePagesAreServed(t, async () => {
        const testing = outputOf(slowhttptest ?? '', [
          ...args,
          ...['-c', connections, '-r', rate, '-l', seconds, '-p', 3, '-u', server.url + paths[0]].map(String),
        ]);
        const isOver = testing.then(() => true);
        while (!(await Promise.race([isOver, delay(100, false)]))) {
          const open = establishedOn(port()) - calmConnections;
          mostOpen = Math.max(mostOpen, open);
          if (open > 0) lastSeenMs = performance.now() - beganAtMs;
        }
        return testing;
      });
      assert.doesNotMatch(output, /service available:\s+NO/);
      t.diagnostic(
        `of ${connections} connections, up to ${mostOpen} were open at once, the last until ${(lastSeenMs / 1000).toFixed(1)} s`,
      );
      assert.ok(withinMs === 0 || mostOpen > 0.5 * connections);
      assert.ok(lastSeenMs <= (1000 * connections) / rate + withinMs + slackMs);
    });

  test('clients that ask on and on and read nothing are closed in time', async (t) => {
    // Each fills some 10 MB of the kernel's buffers.
    const count = 20;
    const before = await metric('http_server_connections_dropped_total{reason="slow-reader"}');
    await whilePagesAreServed(t, async () => {
      const request = 'GET /v1/products?limit=50 HTTP/1.1\r\nHost: a\r\n\r\n';
      const sockets = new Set<Socket>();
      for (let i = 0; i < count; i++) {
        const socket = connect(port(), '127.0.0.1').pause();
        socket.on('error', () => {});
        sockets.add(socket);
      }
      // One after the other, until the kernel has no more room for answers and the server no more for requests.
      const asking = setInterval(() => {
        for (const socket of sockets) if (socket.writable && !socket.writableNeedDrain) socket.write(request);
      }, 10);
      const dropped = async () =>
        (await metric('http_server_connections_dropped_total{reason="slow-reader"}')) - before;
      const beganAtMs = performance.now();
      const filledMs = 20_000;
      const busiest = { residentMiB: 0 };
      try {
        await eventually(
          'all are dropped',
          filledMs + slowReaderTimeoutMs + 2 * timeoutCheckMs + slackMs,
          async () => {
            busiest.residentMiB = Math.max(busiest.residentMiB, (await resources()).residentMiB);
            await delay(250);
            return (await dropped()) >= count;
          },
        );
      } finally {
        clearInterval(asking);
        for (const socket of sockets) socket.destroy();
      }
      const seconds = (performance.now() - beganAtMs) / 1000;
      t.diagnostic(
        `${count} were dropped within ${seconds.toFixed(0)} s, from the first byte; workers had up to ${busiest.residentMiB.toFixed(0)} MiB`,
      );
    });
  });

  test(`${idleConnections} idle connections harm nobody, end in time, and leave nothing behind`, async (t) => {
    await delay(keepAliveTimeoutMs + keepAliveBufferMs);
    const calm = await collected();
    t.diagnostic(`before: ${shown(calm)}`);
    const rounds: Resources[] = [];
    for (let round = 1; round <= idleRounds; round++) {
      // Half say nothing, half ask once.
      const kinds = ['', `GET ${paths[0]} HTTP/1.1\r\nHost: a\r\n\r\n`];
      const running = Array.from({ length: holders }, (_, i) =>
        startHolder({
          port: port(),
          from: `127.0.0.${i + 2}`,
          count: idleConnections / holders,
          bytes: kinds[i % kinds.length] ?? '',
        }),
      );
      const held = await whilePagesAreServed(t, async () => {
        const open = () => running.reduce((sum, { last }) => sum + (last()?.open ?? 0), 0);
        await eventually('all are open', 60_000, async () => {
          await delay(100);
          return open() >= 0.95 * idleConnections;
        });
        const busy = await resources();
        t.diagnostic(`round ${round}: ${open()} open; ${shown(busy)}`);
        assert.ok(busy.descriptors > 0.9 * idleConnections, shown(busy));
        // Each is replaced several times over.
        await delay(20_000);
        return Promise.all(running.map(({ stop }) => stop()));
      }).finally(() => {
        for (const { kill } of running) kill();
      });
      const ended = held.reduce((sum, one) => sum + one.ended, 0);
      const longestMs = Math.max(...held.map((one) => one.longestMs));
      t.diagnostic(
        `round ${round}: ${ended} ended by the server, after ${(longestMs / 1000).toFixed(1)} s at most`,
      );
      assert.deepEqual(
        held.flatMap(({ failures }) => failures),
        [],
      );
      assert.ok(ended > idleConnections);
      const limitMs = Math.max(headTimeoutMs, keepAliveTimeoutMs + keepAliveBufferMs) + timeoutCheckMs;
      assert.ok(longestMs <= limitMs + slackMs, `${longestMs} ms`);
      await eventually(
        'the descriptors are given back',
        keepAliveTimeoutMs + keepAliveBufferMs + slackMs,
        async () => {
          await delay(250);
          return (await resources()).descriptors <= calm.descriptors + descriptorTolerance;
        },
      );
      const left = await collected();
      rounds.push(left);
      t.diagnostic(`after round ${round}: ${shown(left)}`);
    }
    const first = debuggerPath === undefined ? (rounds[0] ?? calm) : calm;
    const last = rounds.at(-1) ?? calm;
    const all = [calm, ...rounds].map(shown).join('; ');
    assert.ok(last.heapMiB <= (1 + memoryTolerance) * calm.heapMiB, all);
    assert.ok(last.residentMiB <= (1 + memoryTolerance) * first.residentMiB, all);
  });
});

interface Resources {
  readonly descriptors: number;
  readonly residentMiB: number;
  readonly heapMiB: number;
}

const shown = ({ descriptors, residentMiB, heapMiB }: Resources) =>
  `${descriptors} descriptors, ${residentMiB.toFixed(0)} MiB resident, ${heapMiB.toFixed(0)} MiB of heap`;

/** Connections to this port that the server has not let go of. */
function establishedOn(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const [established, closeWait] = ['01', '08'];
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, address, , state]) => address?.endsWith(local) && (state === established || state === closeWait),
    ).length;
}

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  await once(child, 'close');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it colours its output.
  return output.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '');
}

function startHolder(hold: Hold) {
  const child = fork(fileURLToPath(new URL('connection-holder.ts', import.meta.url)));
  let last: Held | undefined;
  child.on('message', (message) => {
    if (isHeld(message)) last = message;
  });
  child.send(hold);
  return {
    last: () => last,
    /** Resolves when the server has ended all of its connections. */
    async stop(): Promise<Held> {
      child.send('stop');
      await once(child, 'exit');
      return last ?? assert.fail('the holder ended without a word');
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function isHeld(message: unknown): message is Held {
  return typeof message === 'object' && message !== null && 'longestMs' in message;
}
