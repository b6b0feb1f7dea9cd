/**
 * What Redis does in one step. A page is one hash, so that eviction takes its value together with its lease:
 *
 *   value, stamp   what was stored
 *   horizon        every change with a smaller id is included, whatever else the stamp says
 *   costMs         how long the value took to make, for its early refresh
 *   owner, untilMs the lease: who may store, and when another may be asked to
 *   told           ids of changes that took away what was here before, with a comma around each
 *
 * A value can be stored only under the lease it was read for, and telling Redis of a change takes the lease away: so what is
 * stored was read after the last change that Redis was told of. (It takes nothing away from a value that is newer than
 * the change: whoever has a lease on such a value was given it later still. Nor does it where another host has told of the same
 * change: what is there has come since. So a change costs one reading, however many hosts tell of it.) How far it was told is kept per host, and every
 * lookup says how far it must have been: a Redis that was flushed, restored or failed over to a lagging replica
 * has less, and is not believed until it was told again. So is one in which there is something else in its place.
 *
 * The scheme of leases follows Nishtala et al., Scaling Memcache at Facebook (NSDI 2013), section 3.2.1; early refresh is
 * XFetch of Vattani et al., Optimal Probabilistic Cache Stampede Prevention (VLDB 2015).
 */
import type { Redis, Result } from 'ioredis';

const clock = `local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** Replies: hit or early (value, stamp), lease, wait, bypass, foreign (not what we store, and removed). */
const lookup = `${clock}
local page, host = KEYS[1], KEYS[2]
local batch, token, leaseMs, maxBytes, earliness = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local told = tonumber(redis.pcall('HGET', host, 'batch'))
if not told or told < tonumber(batch) then return {'bypass'} end
local has = redis.pcall('HMGET', page, 'stamp', 'untilMs', 'costMs')
if has.err or redis.call('HSTRLEN', page, 'value') + redis.call('HSTRLEN', page, 'stamp') > tonumber(maxBytes) then
  redis.call('UNLINK', page)
  return {'foreign'}
end
local isLeased = (tonumber(has[2]) or 0) > nowMs
if has[1] then
  local early = not isLeased and redis.call('PTTL', page) <= (tonumber(has[3]) or 0) * tonumber(earliness)
  if early then redis.call('HSET', page, 'owner', token, 'untilMs', nowMs + leaseMs) end
  return {early and 'early' or 'hit', redis.call('HGET', page, 'value'), has[1]}
end
if isLeased then return {'wait'} end
redis.call('HSET', page, 'owner', token, 'untilMs', nowMs + leaseMs)
redis.call('PEXPIRE', page, math.max(leaseMs, redis.call('PTTL', page)))
return {'lease'}`;

/** Stores a value under a lease. Replies 1, or 0 when the lease is gone. */
const store = `local page = KEYS[1]
local token, value, stamp, horizon, costMs, ttlMs = unpack(ARGV)
if redis.call('HGET', page, 'owner') ~= token then return 0 end
redis.call('HSET', page, 'value', value, 'stamp', stamp, 'horizon', horizon, 'costMs', costMs)
redis.call('HDEL', page, 'owner', 'untilMs')
redis.call('PEXPIRE', page, ttlMs)
return 1`;

/** Gives a lease back that will not be used, so that nobody waits for it. */
const release = `if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'owner', 'untilMs')
return 1`;

/**
 * Tells of changes: KEYS are the epoch's name, the latest host, the host that told before, this host, and the pages.
 * Replies told, moved (another epoch is in force) or rewound (what was told before is not there). A telling that comes
 * late, since its connection was given up, does no harm. Of very many pages nothing is kept for the next host, as Redis
 * answers nobody while it does that.
 */
const tell = `local longestTold, mostKeys = 200, 1000
local epoch, before, host, batch, stamp, keepMs, toldMs = unpack(ARGV, 1, 7)
if redis.pcall('GETRANGE', KEYS[1], 0, #epoch) ~= epoch then return 'moved' end
local told = tonumber(redis.pcall('HGET', KEYS[3], 'batch'))
if not told or told < tonumber(before) then return 'rewound' end
for i = 5, #KEYS do
  local page, id = KEYS[i], ARGV[i + 3]
  local has = redis.pcall('HMGET', page, 'horizon', 'told')
  local horizon, known = has[1] or '', has[2] or ','
  local isNewer = #horizon > #id or (#horizon == #id and horizon > id)
  if not isNewer and not string.find(known, ',' .. id .. ',', 1, true) then
    redis.call('UNLINK', page)
    if #KEYS <= mostKeys then
      redis.call('HSET', page, 'told', (#known > longestTold and ',' or known) .. id .. ',')
      redis.call('PEXPIRE', page, toldMs)
    end
  end
end
local own = redis.call('HGET', KEYS[4], 'batch')
if not own or tonumber(own) <= tonumber(batch) then
  redis.call('HSET', KEYS[4], 'batch', batch, 'stamp', stamp)
  redis.call('PEXPIRE', KEYS[4], keepMs)
  redis.call('SET', KEYS[2], host)
end
return 'told'`;

/** Puts a new, empty epoch in the place of one. KEYS as above without the third. Replies told or moved. */
const begin = `local before, epoch, host, batch, stamp, keepMs = unpack(ARGV)
if redis.pcall('GETRANGE', KEYS[1], 0, #before) ~= before then return 'moved' end
redis.call('SET', KEYS[1], epoch)
redis.call('SET', KEYS[2], host)
redis.call('HSET', KEYS[3], 'batch', batch, 'stamp', stamp)
redis.call('PEXPIRE', KEYS[3], keepMs)
return 'told'`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    pageLookupBuffer(...args: (string | number)[]): Result<(Buffer | null)[], Context>;
    pageStore(...args: (string | number | Buffer)[]): Result<0 | 1, Context>;
    pageRelease(key: string, token: string): Result<0 | 1, Context>;
    epochTell(numberOfKeys: number, ...args: (string | number)[]): Result<string, Context>;
    epochBegin(...args: (string | number)[]): Result<string, Context>;
  }
}

/** By the names of their commands. */
export const scripts = {
  pageLookup: { numberOfKeys: 2, lua: lookup },
  pageStore: { numberOfKeys: 1, lua: store },
  pageRelease: { numberOfKeys: 1, lua: release },
  epochTell: { lua: tell },
  epochBegin: { numberOfKeys: 3, lua: begin },
};

/** The commands above, as methods of this connection. They are sent by their hash, and in full where Redis has forgotten. */
export function defineScripts(redis: Redis): void {
  for (const [name, script] of Object.entries(scripts)) redis.defineCommand(name, script);
}
