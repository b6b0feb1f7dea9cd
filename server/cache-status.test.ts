import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Served } from '../cache/read-through.ts';
import { batchCacheStatus, cacheStatus, memoryHit } from './cache-status.ts';

const page = 'a page';
type Path = Partial<Served<string>>;
const served = (path: Path): Served<string> => ({
  value: page,
  servedFrom: 'postgres',
  memory: 'miss',
  redis: undefined,
  collapsed: false,
  ...path,
});

const cases: readonly (readonly [claim: string, path: Path, text: string])[] = [
  [
    'a page from Redis, kept in memory',
    { servedFrom: 'redis', redis: 'hit' },
    'frontshelf-redis; hit, frontshelf-memory; fwd=uri-miss; stored',
  ],
  [
    'a page from Redis in place of an old one',
    { servedFrom: 'redis', redis: 'hit', memory: 'stale' },
    'frontshelf-redis; hit, frontshelf-memory; fwd=stale; stored',
  ],
  [
    'a page from Redis, no memory tier',
    { servedFrom: 'redis', redis: 'hit', memory: 'off' },
    'frontshelf-redis; hit',
  ],
  [
    'a page from Postgres, kept in both',
    { redis: 'miss' },
    'frontshelf-redis; fwd=uri-miss; stored, frontshelf-memory; fwd=uri-miss; stored',
  ],
  [
    'a page from Postgres in place of an old one',
    { redis: 'miss', memory: 'stale' },
    'frontshelf-redis; fwd=uri-miss; stored, frontshelf-memory; fwd=stale; stored',
  ],
  [
    'a page from Postgres, no memory tier',
    { redis: 'miss', memory: 'off' },
    'frontshelf-redis; fwd=uri-miss; stored',
  ],
  [
    'a page from Postgres past a failing Redis',
    { redis: 'error' },
    'frontshelf-redis; fwd=miss; detail=unavailable, frontshelf-memory; fwd=uri-miss; stored',
  ],
  [
    'a page from Postgres past a failing Redis, no memory tier',
    { redis: 'error', memory: 'off' },
    'frontshelf-redis; fwd=miss; detail=unavailable',
  ],
  ['a page from Postgres, no Redis', {}, 'frontshelf-memory; fwd=uri-miss; stored'],
  [
    'a page from Postgres in place of an old one, no Redis',
    { memory: 'stale' },
    'frontshelf-memory; fwd=stale; stored',
  ],
  ['a page from Postgres, no tier at all', { memory: 'off' }, 'frontshelf-memory; fwd=bypass'],
  [
    'the answer to another request for the page',
    { redis: 'miss', collapsed: true },
    'frontshelf-redis; fwd=uri-miss; stored, frontshelf-memory; fwd=uri-miss; collapsed',
  ],
  [
    'the answer of Redis to another request',
    { servedFrom: 'redis', redis: 'hit', collapsed: true },
    'frontshelf-redis; hit, frontshelf-memory; fwd=uri-miss; collapsed',
  ],
  [
    'an old page, as Postgres failed',
    { servedFrom: 'stale', memory: 'stale' },
    'frontshelf-memory; fwd=stale; detail=stale-if-error',
  ],
  [
    'an old page, as Postgres failed and Redis had none',
    { servedFrom: 'stale', memory: 'stale', redis: 'miss' },
    'frontshelf-redis; fwd=uri-miss, frontshelf-memory; fwd=stale; detail=stale-if-error',
  ],
  [
    'an old page, as Postgres and Redis failed',
    { servedFrom: 'stale', memory: 'stale', redis: 'error' },
    'frontshelf-redis; fwd=miss; detail=unavailable, frontshelf-memory; fwd=stale; detail=stale-if-error',
  ],
  [
    'a page from Postgres, as the one in Redis was from before a change',
    { redis: 'outdated', memory: 'stale' },
    'frontshelf-redis; fwd=stale, frontshelf-memory; fwd=stale; stored',
  ],
  [
    'a page from Postgres past a Redis that was not asked',
    { redis: 'bypass' },
    'frontshelf-redis; fwd=bypass, frontshelf-memory; fwd=uri-miss; stored',
  ],
  [
    'a page that memory was found to have after all, when it was known what has changed',
    { servedFrom: 'memory', memory: 'hit' },
    'frontshelf-memory; hit',
  ],
  [
    'a page from Redis, when nobody could tell what has changed',
    { servedFrom: 'stale', redis: 'hit' },
    'frontshelf-redis; hit; detail=stale, frontshelf-memory; fwd=uri-miss; stored',
  ],
  [
    'a page from Redis in place of an old one, when nobody could tell what has changed',
    { servedFrom: 'stale', redis: 'hit', memory: 'stale' },
    'frontshelf-redis; hit; detail=stale, frontshelf-memory; fwd=stale; stored',
  ],
  [
    'no such product, as Postgres says',
    { value: undefined, redis: 'miss' },
    'frontshelf-redis; fwd=uri-miss; stored, frontshelf-memory; fwd=uri-miss; stored',
  ],
  [
    'no such product, as Redis says',
    { value: undefined, servedFrom: 'redis', redis: 'negative' },
    'frontshelf-redis; hit; detail=negative, frontshelf-memory; fwd=uri-miss; stored',
  ],
  ['no such product, no tier at all', { value: undefined, memory: 'off' }, 'frontshelf-memory; fwd=bypass'],
  [
    'no such product, as is remembered',
    { value: undefined, servedFrom: 'negative', memory: 'negative' },
    'frontshelf-memory; hit; detail=negative',
  ],
];

for (const [claim, path, text] of cases)
  test(`Cache-Status tells of ${claim}`, () => assert.equal(cacheStatus(served(path)), text));

// RFC 9211 section 2: a list (RFC 8941 section 3.1) of caches, each with the parameters it names.
const cache = /[a-z-]+/.source;
const parameter =
  /; (?:hit|stored|collapsed|fwd=(?:bypass|method|uri-miss|vary-miss|miss|request|stale|partial)|detail=[a-z-]+)/
    .source;
const list = new RegExp(`^${cache}(?:${parameter})+(?:, ${cache}(?:${parameter})+)*$`);

test('whatever the way, Cache-Status is a list as RFC 9211 defines it, and no cache both hits and forwards', () => {
  const all = [memoryHit];
  for (const memory of ['hit', 'miss', 'stale', 'negative', 'off'] as const)
    for (const redis of ['hit', 'miss', 'negative', 'outdated', 'error', 'bypass', undefined] as const)
      for (const servedFrom of ['memory', 'redis', 'postgres', 'stale', 'negative'] as const)
        for (const collapsed of [true, false])
          for (const value of [page, undefined])
            all.push(cacheStatus(served({ memory, redis, servedFrom, collapsed, value })));
  for (const text of all) {
    assert.match(text, list);
    for (const member of text.split(', ')) assert.doesNotMatch(member, /hit.*fwd|fwd.*hit|fwd.*fwd/);
  }
});

test('an answer that may be older than promised says so, whichever tiers there are', () => {
  for (const memory of ['miss', 'stale', 'off'] as const)
    for (const redis of ['hit', 'miss', 'negative', 'outdated', 'error', 'bypass', undefined] as const)
      for (const collapsed of [true, false]) {
        const path = { servedFrom: 'stale', memory, redis, collapsed } as const;
        assert.match(cacheStatus(served(path)), /detail=stale/, JSON.stringify(path));
      }
});

test('a batch tells whether memory had all, some or none of it', () => {
  const hit = served({ servedFrom: 'memory', memory: 'hit' });
  const absent = served({ value: undefined, servedFrom: 'negative', memory: 'negative' });
  const miss = served({});
  const stale = served({ servedFrom: 'stale', memory: 'stale' });
  for (const [batch, text] of [
    [[hit, absent], memoryHit],
    [[hit, miss], 'frontshelf-memory; fwd=partial'],
    [[miss, miss], 'frontshelf-memory; fwd=miss'],
    [[hit, stale], 'frontshelf-memory; fwd=partial; detail=stale'],
  ] as const)
    assert.equal(batchCacheStatus(batch), text);
});
