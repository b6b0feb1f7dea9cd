import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Breaker } from './breaker.ts';
import type { AppliedMark } from './coherence.ts';
import type { Codec, History, Stamp } from './entry.ts';
import { defineScripts } from './redis-scripts.ts';

/** The right to store one value; good until a change to its key is told to Redis, or its time is over. */
export interface Lease {
  readonly key: string;
  readonly epoch: string;
  readonly token: string;
}

export type RedisLookup<V> =
  | {
      readonly result: 'hit';
      /** Undefined: the source has nothing under this key. */
      readonly value: V | undefined;
      readonly stamp: Stamp;
      /** Given to one of those who ask shortly before the value's time is over: it may read it anew. */
      readonly lease?: Lease;
    }
  /** Nothing there, and the right to fill it. */
  | { readonly result: 'miss'; readonly lease: Lease }
  /** Nothing there, and somebody else is filling it. */
  | { readonly result: 'wait' }
  /** `bypass`: Redis does not answer at present, or has not been told of all changes that its host has told it of. */
  | { readonly result: 'error' | 'bypass' };

export interface StoreOptions {
  readonly ttlMs: number;
  /** How long the value took to make. */
  readonly costMs: number;
}

/**
 * Values shared by all workers and hosts. Redis is not trusted to be there, in time, or right: nothing here
 * rejects, and what is not as `store` writes it is an error, which is a miss with a name.
 */
export interface RedisTier<V> {
  /** One round trip, bounded by the connection's command timeout. */
  lookup(key: string, applied: AppliedMark): Promise<RedisLookup<V>>;
  /** Resolves true when Redis took the value: false, among others, when the lease is gone. `value` undefined: there is none. */
  store(lease: Lease, value: V | undefined, stamp: Stamp, options: StoreOptions): Promise<boolean>;
  /** Gives back a lease that will not be used. */
  release(lease: Lease): void;
}

/** Why a command failed: no answer in time, nobody there to answer or not yet able to, or an answer that is an error. */
export type RedisFailure = 'timeout' | 'unavailable' | 'other';

/** Told how long Redis takes, for metrics. Calls are synchronous and must not throw. */
export interface RedisObserver {
  /** The command alone; `failure` undefined: Redis did as it was told. */
  commandEnded(op: 'get' | 'set', durationMs: number, failure: RedisFailure | undefined): void;
  /** The same with the work on the value, whatever came of it. */
  operationEnded(op: 'get' | 'set', durationMs: number): void;
}

const silent: RedisObserver = { commandEnded() {}, operationEnded() {} };

/** Begins every key: workers of different versions of the format never read each other's values. */
export const format = 'frontshelf:2';

export const pageKey = (epoch: string, key: string): string => `${format}:${epoch}:${key}`;
/** Where a host keeps how far it has told Redis. No page's key has a slash. */
export const hostKey = (epoch: string, host: string): string => `${format}:${epoch}/${host}`;

/** No page comes near it; a value beyond it is somebody else's mistake and is never transferred. */
const largestValueBytes = 4 * 1024 * 1024;

export interface RedisTierOptions<V> {
  readonly redis: Redis;
  readonly codec: Codec<V>;
  readonly history: Pick<History, 'isStamp' | 'horizon'>;
  /** Time in which whoever has a lease is expected to store. */
  readonly leaseMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly breaker?: Breaker;
  readonly observer?: RedisObserver;
}

export function createRedisTier<V>(options: RedisTierOptions<V>): RedisTier<V> {
  const { redis, codec, history, leaseMs, random, breaker, observer = silent } = options;
  defineScripts(redis);
  const owner = randomBytes(9).toString('base64url');
  let leases = 0;

  async function command<T>(op: 'get' | 'set', startedAtMs: number, answer: Promise<T>): Promise<T> {
    try {
      const result = await answer;
      breaker?.called(true);
      observer.commandEnded(op, performance.now() - startedAtMs, undefined);
      return result;
    } catch (error) {
      const failure = failureOf(error);
      // Who answers with an error answers.
      breaker?.called(failure === 'other');
      observer.commandEnded(op, performance.now() - startedAtMs, failure);
      throw error;
    }
  }

  const release = ({ key, epoch, token }: Lease) =>
    void redis.pageRelease(pageKey(epoch, key), token).catch(() => {});

  async function lookup(key: string, mark: AppliedMark, startedAtMs: number): Promise<RedisLookup<V>> {
    const lease = { key, epoch: mark.epoch, token: `${owner}-${++leases}` };
    const name = pageKey(mark.epoch, key);
    const answer = redis.pageLookupBuffer(
      name,
      hostKey(mark.epoch, mark.host),
      mark.batch,
      lease.token,
      leaseMs,
      largestValueBytes,
      earliness(random()),
    );
    const reply = await command('get', startedAtMs, answer).catch((error) => {
      // The lease may be ours without our knowing, and all others would wait for us.
      if (failureOf(error) === 'timeout') release(lease);
      throw error;
    });
    const [verdict, bytes, stampBytes] = reply;
    // The client's command holds it, and is in V8's old generation, where garbage stays until a major collection.
    reply.length = 0;
    const result = verdict?.toString('latin1');
    switch (result) {
      case 'lease':
        return { result: 'miss', lease };
      case 'wait':
      case 'bypass':
        return { result };
      case 'hit':
      case 'early': {
        const stamp = stampBytes?.toString('latin1') ?? '';
        const body = bytes && unframe(key, bytes);
        const value = body ? codec.decode(body) : undefined;
        if (body === undefined || body === null || !history.isStamp(stamp)) break;
        if (value === undefined && body !== '') break;
        return { result: 'hit', value, stamp, ...(result === 'early' && { lease }) };
      }
    }
    if (result !== 'foreign') discard(redis, name);
    return { result: 'error' };
  }

  return {
    async lookup(key, mark) {
      if (breaker?.allows === false) return { result: 'bypass' };
      const startedAtMs = performance.now();
      const found = await lookup(key, mark, startedAtMs).catch(() => ({ result: 'error' }) as const);
      observer.operationEnded('get', performance.now() - startedAtMs);
      return found;
    },
    async store({ key, epoch, token }, value, stamp, { ttlMs, costMs }) {
      const startedAtMs = performance.now();
      try {
        const bytes = frame(key, value === undefined ? '' : codec.encode(value));
        const answer = redis.pageStore(
          pageKey(epoch, key),
          token,
          bytes,
          stamp,
          history.horizon(stamp),
          Math.ceil(costMs),
          Math.ceil(ttlMs),
        );
        return (await command('set', performance.now(), answer)) === 1;
      } catch {
        return false;
      } finally {
        observer.operationEnded('set', performance.now() - startedAtMs);
      }
    },
    release,
  };
}

/** How many times the cost of a value before its end it is read anew: XFetch with β = 1. */
export const earliness = (random: number): number => -Math.log(1 - random);

/** A stored value is one line, the key, and then the encoded value. */
const frame = (key: string, body: string): Buffer => Buffer.from(`${key}\n${body}`, 'latin1');

function unframe(key: string, bytes: Buffer): string | undefined {
  const endOfLine = bytes.indexOf('\n');
  return bytes.toString('latin1', 0, endOfLine) === key ? bytes.toString('latin1', endOfLine + 1) : undefined;
}

/** The client tells only by the text of its errors. */
function failureOf(error: unknown): RedisFailure {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === 'ReplyError')
    return /^(LOADING|MASTERDOWN|CLUSTERDOWN) /.test(message) ? 'unavailable' : 'other';
  return /timed out|timeout/i.test(message) ? 'timeout' : 'unavailable';
}

function discard(redis: Redis, key: string): void {
  redis.unlink(key).catch(() => {
    // The key stays and is discarded at the next lookup; until then it is an error each time, not a wrong page.
  });
}
