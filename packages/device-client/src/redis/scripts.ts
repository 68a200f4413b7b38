/**
 * The scripts of the direct way to Redis: each reads or writes one device in one step, so that nobody sees a half of it. The
 * keys are those of the contract; those of a device's readings follow from its categories, and in a cluster lie in the
 * same slot by their hash tag.
 */

/**
 * What is kept of a device, or nil. KEYS: metadata, categories. ARGV: what stands before and after the category in the key
 * of its readings; `count` or `values`.
 */
export const READ_DEVICE = `
local fields = redis.call('HMGET', KEYS[1], 'metadata', 'lastUpdated')
if not fields[2] then return false end
local parts = {}
for i, category in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local key = ARGV[1] .. category .. ARGV[2]
  if ARGV[3] == 'count' then parts[i] = { category, redis.call('HLEN', key) }
  else parts[i] = { category, redis.call('HVALS', key) } end
end
return { fields[1] or '', fields[2], parts }
`;

/** KEYS: metadata, categories, fences. ARGV: before, after, ttl in ms, metadata as JSON, now as ISO 8601. 1 for a new device. */
const PUT = `
local old = redis.call('HGET', KEYS[1], 'lastUpdated')
local at = ARGV[5]
if old and old > at then at = old end
redis.call('HSET', KEYS[1], 'metadata', ARGV[4], 'lastUpdated', at)
local written = { KEYS[1], KEYS[2], KEYS[3] }
for _, category in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  written[#written + 1] = ARGV[1] .. category .. ARGV[2]
end
for _, key in ipairs(written) do redis.call('PEXPIRE', key, ARGV[3]) end
local changed = true
local result = old and 0 or 1
`;

/** The same keys. ARGV: before, after, ttl in ms, now in ms. 1 where there was a device. */
const DELETE = `
local result = redis.call('EXISTS', KEYS[1])
local changed = result == 1
if changed then
  for _, category in ipairs(redis.call('SMEMBERS', KEYS[2])) do
    redis.call('DEL', ARGV[1] .. category .. ARGV[2])
  end
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
  redis.call('HSET', KEYS[3], '*', ARGV[4])
  redis.call('PEXPIRE', KEYS[3], ARGV[3])
end
`;

/**
 * The registry after a change, and the log. KEYS from `keys` on: devices, updated, ids, changes. ARGV from `args` on: id,
 * cause, now in ms, now as ISO 8601, expiry in ms, length of the log. It takes out up to a hundred that have expired.
 */
const registry = (keys: number, args: number): string => `
if changed then
  local id, cause, now = ARGV[${args + 1}], ARGV[${args + 2}], ARGV[${args + 3}]
  if cause == 'deleted' then
    for i = ${keys + 1}, ${keys + 3} do redis.call('ZREM', KEYS[i], id) end
  else
    redis.call('ZADD', KEYS[${keys + 1}], ARGV[${args + 5}], id)
    redis.call('ZADD', KEYS[${keys + 2}], 'GT', now, id)
    redis.call('ZADD', KEYS[${keys + 3}], 0, id)
  end
  redis.call('XADD', KEYS[${keys + 4}], 'MAXLEN', '~', ARGV[${args + 6}], '*',
    'device', id, 'cause', cause, 'categories', '', 'at', ARGV[${args + 4}])
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[${keys + 1}], '-inf', now, 'LIMIT', 0, 100)) do
    for i = ${keys + 1}, ${keys + 3} do redis.call('ZREM', KEYS[i], gone) end
  end
end
`;

const END = 'return result';

/** Where all keys lie on one server: the device, the registry and the log in one step. */
export const PUT_DEVICE: string = PUT + registry(3, 5) + END;
export const DELETE_DEVICE: string = DELETE + registry(3, 4) + END;

/** Where they don't, in two: the device first, the registry after it. */
export const PUT_DEVICE_ALONE: string = PUT + END;
export const DELETE_DEVICE_ALONE: string = DELETE + END;
export const NOTE_CHANGE: string = `local changed, result = true, 1${registry(0, 0)}${END}`;
