import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesEtag } from './conditional.ts';

const etag = '"abc-br"';

for (const [claim, fields, expected] of [
  ['a validator that is the etag matches', ['"abc-br"', ' "abc-br" '], true],
  ['a weak validator matches, as the comparison is weak', ['W/"abc-br"'], true],
  [
    'one of a list matches',
    ['"x", "abc-br"', '"x","abc-br","y"', 'W/"x", W/"abc-br"', '"a,b", "abc-br"'],
    true,
  ],
  ['an asterisk matches what exists', ['*', ' * '], true],
  ['other validators do not match', ['', '"abc"', '"abc-gzip"', 'W/"abc"', '"x", "y"', '""'], false],
  [
    'what is not a validator does not match',
    ['abc-br', '"abc-br', 'abc-br"', '*, "x"', '"x*"', "'abc-br'"],
    false,
  ],
  ['the etag inside of another validator does not match', ['"x"abc-br"y"', '"xabc-br"'], false],
] as const)
  test(claim, () => {
    for (const field of fields) assert.equal(matchesEtag(field, etag), expected, field);
  });
