/**
 * The scripts of the Redis store. Each change of a device is one script, so that nobody sees half of it. In a cluster the keys
 * of a device and those of the registry lie on different nodes: there the part for the device runs first and the part for
 * the registry after it, and both can be repeated.
 *
 * A fence is `{timestamp in µs}:{offset}`; Lua's numbers hold both exactly.
 */

/** All keys of a device live as long. ARGV from `at` on: what stands before and after a category in a key, TTL ms. */
const keepAlive = (at: number): string => `
for _, category in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  redis.call('PEXPIRE', ARGV[${at}] .. category .. ARGV[${at + 1}], ARGV[${at + 2}])
end
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[${at + 2}]) end
`;

/** The moment moves forward only; in this form texts have the order of the moments. */
const moveUpdated = (at: number): string => `
local updated = redis.call('HGET', KEYS[1], 'lastUpdated')
if not updated or updated < ARGV[${at}] then redis.call('HSET', KEYS[1], 'lastUpdated', ARGV[${at}]) end
`;

/** KEYS: metadata, categories, fences. ARGV: before, after, TTL ms, updated, index, category, timestamp µs, offset, reading. */
const writeReading = `
local field = ARGV[6] .. ':' .. ARGV[5]
local known = redis.call('HMGET', KEYS[3], field, '*')
local moment, offset = tonumber(ARGV[7]), tonumber(ARGV[8])
if known[2] and tonumber(known[2]) * 1000 >= moment then return 0 end
if known[1] then
  local t, o = string.match(known[1], '^(-?%d+):(-?%d+)$')
  t, o = tonumber(t), tonumber(o)
  if t == moment and o == offset then return 2 end
  if t > moment or (t == moment and o > offset) then return 0 end
end
redis.call('HSET', KEYS[3], field, ARGV[7] .. ':' .. ARGV[8])
redis.call('HSET', ARGV[1] .. ARGV[6] .. ARGV[2], ARGV[5], ARGV[9])
redis.call('SADD', KEYS[2], ARGV[6])
${moveUpdated(4)}${keepAlive(1)}`;

/** The same keys. ARGV: before, after, TTL ms, updated, metadata. */
const putMetadata = `
redis.call('HSET', KEYS[1], 'metadata', ARGV[5])
${moveUpdated(4)}${keepAlive(1)}`;

/** The same keys. ARGV: before, after, TTL ms, now ms. */
const deleteDevice = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for _, category in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  redis.call('DEL', ARGV[1] .. category .. ARGV[2])
end
local deleted = tonumber(ARGV[4])
for _, fence in ipairs(redis.call('HVALS', KEYS[3])) do
  local moment = tonumber(string.match(fence, '^(%d+):'))
  if moment then deleted = math.max(deleted, math.ceil(moment / 1000)) end
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
redis.call('HSET', KEYS[3], '*', string.format('%.0f', deleted))
redis.call('PEXPIRE', KEYS[3], ARGV[3])
`;

/** Registry's keys: devices, updated, ids, changes. Its arguments: id, expiry ms, updated ms, cause, categories, at, length of the log. */
const enter = (key: number, argument: number): string => `
redis.call('ZADD', KEYS[${key}], ARGV[${argument + 1}], ARGV[${argument}])
redis.call('ZADD', KEYS[${key + 1}], 'GT', ARGV[${argument + 2}], ARGV[${argument}])
redis.call('ZADD', KEYS[${key + 2}], 0, ARGV[${argument}])
${logChange(key, argument)}`;

const leave = (key: number, argument: number): string => `
for i = ${key}, ${key + 2} do redis.call('ZREM', KEYS[i], ARGV[${argument}]) end
${logChange(key, argument)}`;

const logChange = (key: number, argument: number): string => `
redis.call('XADD', KEYS[${key + 3}], 'MAXLEN', '~', ARGV[${argument + 6}], '*',
  'device', ARGV[${argument}], 'cause', ARGV[${argument + 3}], 'categories', ARGV[${argument + 4}], 'at', ARGV[${argument + 5}])
return 1`;

/** A script whole for a single server, and in its two parts for a cluster. */
export interface ChangeScript {
  readonly whole: string;
  readonly device: string;
  readonly registry: string;
}

const changeScript = (
  device: string,
  parameters: number,
  registry: (key: number, argument: number) => string,
): ChangeScript => ({
  whole: device + registry(4, parameters + 1),
  device: `${device}return 1`,
  registry: registry(1, 1),
});

export const writeScript: ChangeScript = changeScript(writeReading, 9, enter);
export const putScript: ChangeScript = changeScript(putMetadata, 5, enter);
export const deleteScript: ChangeScript = changeScript(deleteDevice, 4, leave);

/**
 * Reads devices, each as it is at one moment. KEYS: metadata and categories of each. ARGV: whether the readings are asked for,
 * and of each device what stands before and after a category in a key. Returns of each device nil where there is none, why
 * it could not be read, or metadata, `lastUpdated`, and of each reading its category, its index and itself; or each category
 * with the number of its readings.
 */
export const readScript = `
local function read(metadata, categories, before, after)
  local facts = redis.call('HMGET', metadata, 'metadata', 'lastUpdated')
  if not facts[2] then return false end
  local result = { facts[1] or '{}', facts[2] }
  for _, category in ipairs(redis.call('SMEMBERS', categories)) do
    local key = before .. category .. after
    if ARGV[1] == '1' then
      local readings = redis.call('HGETALL', key)
      for i = 1, #readings, 2 do
        result[#result + 1] = category
        result[#result + 1] = readings[i]
        result[#result + 1] = readings[i + 1]
      end
    else
      local count = redis.call('HLEN', key)
      if count > 0 then
        result[#result + 1] = category
        result[#result + 1] = tostring(count)
      end
    end
  end
  return result
end
local results = {}
for i = 1, #KEYS, 2 do
  local done, result = pcall(read, KEYS[i], KEYS[i + 1], ARGV[i + 1], ARGV[i + 2])
  if not done then result = type(result) == 'table' and result.err or tostring(result) end
  results[#results + 1] = result
end
return results
`;

/** KEYS: devices, updated, ids, changes. ARGV: now ms, at, length of the log. Returns how many have left. */
export const sweepScript = `
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1000)
for _, id in ipairs(ids) do
  for i = 1, 3 do redis.call('ZREM', KEYS[i], id) end
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[3], '*', 'device', id, 'cause', 'expired', 'categories', '', 'at', ARGV[2])
end
return #ids
`;

/** KEYS: progress. ARGV: for each partition its number, what must be noted or nothing, what is to be noted. Returns whether it was. */
export const advanceScript = `
for i = 1, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') ~= ARGV[i + 1] then return 0 end
end
for i = 1, #ARGV, 3 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2]) end
return 1
`;
