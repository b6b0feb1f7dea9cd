import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readable } from './parameters.ts';
import type { RouteTable } from './routes.ts';
import { targetParser } from './target.ts';

const table = {
  '/of/{kind}': {
    operation: 'Kind',
    summary: 'Parameters of every kind.',
    path: {
      kind: { schema: { type: 'string', enum: ['a', 'b'] }, description: 'A kind.', problem: 'not-found' },
    },
    query: {
      words: {
        schema: { type: 'string', pattern: readable, minLength: 1, maxLength: 10 },
        description: 'Words.',
        isText: true,
      },
      day: { schema: { type: 'string', format: 'date' }, description: 'A day.' },
      count: { schema: { type: 'integer', minimum: -5, maximum: 20, default: 3 }, description: 'A number.' },
      flag: { schema: { type: 'boolean' }, description: 'Whether.' },
      list: {
        schema: {
          type: 'array',
          items: { type: 'string', pattern: '^[a-z]{1,3}$' },
          minItems: 1,
          maxItems: 3,
        },
        form: '1 to 3 small letters',
        description: 'Several.',
      },
    },
    responses: {},
  },
  '/of/all': {
    operation: 'All',
    summary: 'One parameter that must be there.',
    query: { by: { schema: { type: 'string', enum: ['x', 'y', 'z'] }, description: 'How.', required: true } },
    responses: {},
  },
} as const satisfies RouteTable;

const parse = targetParser(table);
/** The values of a target with this query; undefined when there is a problem. */
function of(query: string) {
  const parsed = parse(`/of/a?${query}`);
  if ('problem' in parsed) return undefined;
  assert.ok(parsed.route === '/of/{kind}');
  const { route: _, ...values } = parsed;
  return values;
}
const detailOf = (target: string) => {
  const parsed = parse(target);
  return 'problem' in parsed ? `${parsed.problem}: ${parsed.detail}` : 'no problem';
};

test('values are of the type that their schema names, and what is not given is its default', () => {
  assert.deepEqual(parse('/of/b'), { route: '/of/{kind}', kind: 'b', count: 3 });
  assert.deepEqual(of('count=-5&flag=true&list=a,bc&day=2024-02-29&words=x'), {
    kind: 'a',
    count: -5,
    flag: true,
    list: ['a', 'bc'],
    day: '2024-02-29',
    words: 'x',
  });
});

test('a segment that is named comes before a parameter in its place', () => {
  assert.deepEqual(parse('/of/all?by=x'), { route: '/of/all', by: 'x' });
});

test('words are decoded, as forms and as programs write them, and come to one spelling', () => {
  for (const spelling of ['caf%C3%A9+no%201', 'cafe%CC%81%20no+1', 'caf%c3%a9++no%091'])
    assert.deepEqual(of(`words=${spelling}`), { kind: 'a', count: 3, words: 'café no 1' }, spelling);
  assert.deepEqual(of('words=AC%2FDC%00%5C'), { kind: 'a', count: 3, words: 'AC/DC \\' });
  assert.deepEqual(of(`words=${encodeURIComponent('🎮'.repeat(10))}`)?.words, '🎮'.repeat(10));
});

test('a comma of a list may be encoded, as many clients do', () => {
  assert.deepEqual(of('list=a%2Cb%2cc')?.list, ['a', 'b', 'c']);
});

test('one sentence names the parameter and says what would be right', () => {
  const words =
    'malformed-parameter: The query parameter words must be a text of 1 to 10 characters in percent-encoded UTF-8.';
  const list =
    'malformed-parameter: The query parameter list must be a list of 1 to 3 values with commas between them, each 1 to 3 small letters.';
  const day =
    'malformed-parameter: The query parameter day must be a day that exists, written as 2024-02-29.';
  const count = 'malformed-parameter: The query parameter count must be a whole number from -5 to 20.';
  const flag = 'malformed-parameter: The query parameter flag must be true or false.';
  const by = 'malformed-parameter: The query parameter by must be one of x, y or z.';
  for (const [detail, targets] of Object.entries({
    // Not UTF-8: a byte alone, one too many, a surrogate, a longer spelling, no hexadecimal, cut off.
    [words]: ['%ff', '%C3', '%80', '%ED%A0%80', '%C0%AF', '%zz', '%', '%2', '', '+', '%00', '%EF%BB%BF']
      .concat('x'.repeat(11), '%F0%9F%8E%AE'.repeat(11))
      .map((value) => `/of/a?words=${value}`),
    [list]: ['', ',', 'a,', ',a', 'a,,b', 'a,b,c,d', 'A', 'a%2', '%61', 'abcd'].map((v) => `/of/a?list=${v}`),
    [day]: ['2023-02-29', '2024-2-9', '0000-01-01', '2024-13-01', '2024-01-01T00:00:00Z', ''].map(
      (value) => `/of/a?day=${value}`,
    ),
    [count]: ['21', '-6', '+1', '01', '-0', '1.0', '1e1', '', '%31'].map((value) => `/of/a?count=${value}`),
    [flag]: ['1', 'TRUE', '', 'yes'].map((value) => `/of/a?flag=${value}`),
    [by]: ['/of/all', '/of/all?', '/of/all?by=', '/of/all?by=w'],
    'malformed-parameter: The query parameter by must be given at most once.': ['/of/all?by=x&by=x'],
    'unknown-parameter: The query parameter of this resource is by.': ['/of/all?to=x'],
    'unknown-parameter: The query parameters of this resource are words, day, count, flag and list.': [
      '/of/a?page=1',
      '/of/a?&',
    ],
    'not-found: The path parameter kind must be one of a or b.': ['/of/c', '/of/', '/of/c?page=1'],
  }))
    for (const target of targets) assert.equal(detailOf(target), detail, target);
});

test('whatever is decoded, the text that comes of it comes of itself again', () => {
  let texts = 0;
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (text) => {
      if (!text.isWellFormed()) return;
      const first = of(`words=${encodeURIComponent(text)}`)?.words;
      if (first === undefined || [...first].length > 10) return;
      texts++;
      assert.match(first, /^\S+(?: \S+)*$/u);
      assert.equal(of(`words=${encodeURIComponent(first)}`)?.words, first);
    }),
    { numRuns: 2000 },
  );
  assert.ok(texts > 500, 'the property has met texts');
});
