import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createLogOutput, forwardLines } from './log-output.ts';

/** An output over a sink in which each write waits until the test ends it. */
function createStalled() {
  const written: string[] = [];
  const dones: ((error?: Error) => void)[] = [];
  const dropped = { lines: 0 };
  const output = createLogOutput(
    (bytes, done) => {
      written.push(bytes.toString());
      dones.push(done);
    },
    (lines) => {
      dropped.lines += lines;
    },
  );
  return { output, written, dropped, end: (error?: Error) => dones.shift()?.(error) };
}

const mebibyte = 1024 * 1024;

test('the first line goes out at once, and those that come meanwhile together after it', () => {
  const { output, written, dropped, end } = createStalled();
  for (const line of ['a\n', 'b\n', 'c\n']) output.write(line);
  assert.deepEqual(written, ['a\n']);
  end();
  assert.deepEqual(written, ['a\n', 'b\nc\n']);
  end();
  output.write('d\n');
  assert.deepEqual(written, ['a\n', 'b\nc\n', 'd\n']);
  assert.equal(dropped.lines, 0);
});

test('a mebibyte waits, what is being written included; beyond that the newest lines are lost, and counted', () => {
  const { output, written, dropped, end } = createStalled();
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < 1024 + 10; i++) output.write(line);
  assert.equal(dropped.lines, 10);
  output.write(Buffer.from(line + line));
  assert.equal(dropped.lines, 12);
  end();
  assert.equal(written.join('').length, mebibyte);
  end();
  output.write('after\n');
  assert.equal(written.at(-1), 'after\n');
  assert.equal(dropped.lines, 12);
});

test('lines that could not be written are counted, and the next ones are tried', () => {
  const { output, written, dropped, end } = createStalled();
  for (const line of ['a\n', 'b\n', 'c\n']) output.write(line);
  end(new Error('ENOSPC'));
  assert.equal(dropped.lines, 1);
  end(new Error('ENOSPC'));
  assert.equal(dropped.lines, 3);
  output.write('d\n');
  assert.equal(written.at(-1), 'd\n');
});

test('a flush waits for what was taken, and for no more than half a second', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { output, end } = createStalled();
  await output.flush();
  let flushed = 0;
  const flush = () => void output.flush().then(() => flushed++);
  output.write('a\n');
  flush();
  await Promise.resolve();
  assert.equal(flushed, 0);
  end();
  await Promise.resolve();
  assert.equal(flushed, 1);
  output.write('b\n');
  flush();
  t.mock.timers.tick(499);
  await Promise.resolve();
  assert.equal(flushed, 1);
  t.mock.timers.tick(1);
  await Promise.resolve();
  assert.equal(flushed, 2);
});

test('what a worker writes is handed on in whole lines, however it arrives; what it did not end is not', async () => {
  const { output, written, end } = createStalled();
  const from = new PassThrough();
  const ended = forwardLines(from, output);
  for (const chunk of ['{"a":', '1}', '\n{"b":"é', '"}\n{"c":3}\n{"d'].map((text) => Buffer.from(text))) {
    for (const byte of chunk) from.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
    end();
  }
  from.end();
  from.destroy();
  await ended;
  for (let i = 0; i < 5; i++) end();
  assert.equal(written.join(''), '{"a":1}\n{"b":"é"}\n{"c":3}\n');
  for (const lines of written) assert.ok(lines.endsWith('\n'));
});
