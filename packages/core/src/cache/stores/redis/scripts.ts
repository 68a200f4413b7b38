/**
 * What must not be torn apart, in Lua. A value is kept behind its version in 16 digits; digits alone are a deletion whose
 * version is still known. Every key is declared, and no script looks at a clock.
 */

/** KEYS: values. Gives for each its bytes and what PTTL says; a key of another type is removed. */
export const READ: string = `
local answer = {}
for at, key in ipairs(KEYS) do
  local value = redis.pcall('GET', key)
  if type(value) == 'table' then
    redis.call('UNLINK', key)
    value = false
  end
  answer[at * 2 - 1] = value
  answer[at * 2] = value and redis.call('PTTL', key) or 0
end
return answer`;

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
if ARGV[3] == '0' then redis.call('SET', KEYS[1], digits .. ARGV[4])
else redis.call('SET', KEYS[1], digits .. ARGV[4], 'PX', ARGV[3]) end
return version`;

/** KEYS: a value. ARGV: the first version, milliseconds. Gives the version. */
export const REMOVE: string = `${VERSION}${NEXT}
redis.call('SET', KEYS[1], digits, 'PX', ARGV[2])
return version`;

/** KEYS: a value. ARGV: the bytes behind its version, or all of them. */
export const DISCARD: string = `
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'string' and (value == ARGV[1] or string.sub(value, 17) == ARGV[1]) then
  return redis.call('UNLINK', KEYS[1])
end
return 0`;

/** KEYS: generations. ARGV: milliseconds, and a new one for each. Gives those that hold. */
export const GENERATIONS: string = `
local answer = {}
for at, key in ipairs(KEYS) do
  local held = redis.call('GET', key)
  if not held then
    held = ARGV[at + 1]
    redis.call('SET', key, held, 'PX', ARGV[1])
  elseif redis.call('PTTL', key) * 2 < tonumber(ARGV[1]) then
    redis.call('PEXPIRE', key, ARGV[1])
  end
  answer[at] = held
end
return answer`;

/** KEYS: generations. ARGV: milliseconds, and a new one for each. */
export const RENEW: string = `
for at, key in ipairs(KEYS) do redis.call('SET', key, ARGV[at + 1], 'PX', ARGV[1]) end
return 1`;

/** KEYS: a lease. ARGV: its holder. */
export const RELEASE: string = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('UNLINK', KEYS[1]) end
return 0`;
