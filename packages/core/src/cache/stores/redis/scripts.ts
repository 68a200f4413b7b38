/**
 * What must not be torn apart, in Lua. A value is kept behind its version and the server's time at which it expires, 16
 * digits each; a version alone is a deletion. Every key is declared. The clock of the server says how long a value is
 * good, and never which of two comes first: that is what versions are for.
 */

const SERVER_TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** Gives the generation of a tag: the one that holds, whose life is prolonged, or the one that is offered. */
const GENERATION = `
local function generation(key, offered, life)
  local held = redis.call('GET', key)
  if not held then
    redis.call('SET', key, offered, 'PX', life)
    return offered
  end
  if redis.call('PTTL', key) * 2 < tonumber(life) then redis.call('PEXPIRE', key, life) end
  return held
end`;

/**
 * KEYS: values, then generations. ARGV: how many values, and for the generations what GENERATIONS takes. Gives the
 * server's time in milliseconds, the bytes of each value, then the generations.
 */
export const READ: string = `${GENERATION}${SERVER_TIME}
local values = tonumber(ARGV[1])
local answer = values > 0 and redis.call('MGET', unpack(KEYS, 1, values)) or {}
table.insert(answer, 1, string.format('%.0f', now))
for at = values + 1, #KEYS do
  answer[at + 1] = generation(KEYS[at], ARGV[at - values + 2], ARGV[2])
end
return answer`;

/** In the place of an expiry: there is none. */
const NEVER = '0'.repeat(16);

const VERSION = `
local function versionOf(key)
  local digits = redis.pcall('GETRANGE', key, 0, 15)
  return type(digits) == 'string' and tonumber(digits) or 0
end
local current = versionOf(KEYS[1])`;

const NEXT = `
local version = current == 0 and tonumber(ARGV[1]) or current + 1
local digits = string.format('%016.0f', version)`;

/** KEYS: a value. ARGV: the first version, the expected version or '', milliseconds or '0', bytes. Gives the version or 0. */
export const WRITE: string = `${VERSION}
if ARGV[2] ~= '' and tonumber(ARGV[2]) ~= current then return 0 end${NEXT}
if ARGV[3] == '0' then redis.call('SET', KEYS[1], digits .. '${NEVER}' .. ARGV[4])
else${SERVER_TIME}
  local expiry = string.format('%016.0f', now + ARGV[3])
  redis.call('SET', KEYS[1], digits .. expiry .. ARGV[4], 'PX', ARGV[3])
end
return version`;

/** KEYS: a value. ARGV: the first version, milliseconds. Gives the version. */
export const REMOVE: string = `${VERSION}${NEXT}
redis.call('SET', KEYS[1], digits, 'PX', ARGV[2])
return version`;

/** KEYS: a value. ARGV: the bytes behind its version and expiry, or all of them. */
export const DISCARD: string = `
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'string' and (value == ARGV[1] or string.sub(value, 33) == ARGV[1]) then
  return redis.call('UNLINK', KEYS[1])
end
return 0`;

/** KEYS: generations. ARGV: milliseconds, and a new one for each. Gives those that hold. */
export const GENERATIONS: string = `${GENERATION}
local answer = {}
for at, key in ipairs(KEYS) do answer[at] = generation(key, ARGV[at + 1], ARGV[1]) end
return answer`;

/** KEYS: generations. ARGV: milliseconds, and a new one for each. */
export const RENEW: string = `
for at, key in ipairs(KEYS) do redis.call('SET', key, ARGV[at + 1], 'PX', ARGV[1]) end
return 1`;

/** KEYS: a lease. ARGV: its holder. */
export const RELEASE: string = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('UNLINK', KEYS[1]) end
return 0`;
