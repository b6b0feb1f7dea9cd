import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportText } from './report.ts';
import { latencies, pass, result, withLastStep } from './testing.ts';

test('a report has a row for each step, the recovery, and a line for each promise', () => {
  const text = reportText(result());
  assert.match(text, /^Capacity: 150 cold pages\/s; one asked for alone took 13 \/ 25 ms/m);
  assert.equal([...text.matchAll(/^ *(0\.5|1|2|5|10)× .* 0\.30 +0\.60 +1\.20$/gm)].length, 10);
  assert.equal([...text.matchAll(/^then 0\.5× /gm)].length, 2);
  assert.match(text, /^ +10× +1500 +1500 +150\.0 +1350\.0 +30 \/ 60 \/ 90 +13 \/ 25 +6000 of 6000 /m);
  assert.match(text, /^It was normal 500 ms after the step down\.$/m);
  assert.equal([...text.matchAll(/^held {4}/gm)].length, 14);
  assert.doesNotMatch(text, /BROKEN|void/);
});

test('a broken promise stands out, and a void run says why', () => {
  const text = reportText(withLastStep({ refusedMs: latencies(60) }));
  assert.match(text, /^BROKEN {2}p99 of refusals is at most 50 ms, refused clients give up: 60 ms at 10×$/m);
  assert.match(
    reportText(withLastStep({ lateMs: latencies(30) })),
    /^What is void was not timed as it was to be:\nThe generator was late at 10×/m,
  );
  assert.match(
    reportText(result({ passes: [pass('give up', { recoveryMs: null })] })),
    /^After the step down it was not normal again before the end\.$/m,
  );
});
