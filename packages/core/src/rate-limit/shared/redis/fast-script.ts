/**
 * The decision that happens all the time: GCRA in all limits, nothing reserved. Per limit one key, whose time to live *is*
 * how far its theoretical arrival time lies ahead, so that no clock is asked for and nobody's clock is trusted. A time
 * to live is whole milliseconds; what it was rounded up by is the key's value, so that nothing is lost at any rate. (A
 * value that can't be, since a process counts by another rate, counts as 0.)
 *
 * Counted in units of 1 / rate ms, in which the interval T is `period` units and everything is a whole number:
 *
 *   ahead = max(0, PTTL · rate − rest);   d = ahead + cost · period;   allowed iff d ≤ burst · period
 *   SET key ⌈d / rate⌉ · rate − d PX ⌈d / rate⌉
 *
 * ARGV: `1` to take or `0` to look, then for each limit rate, cost · period and burst · period. The word `long` is the answer
 * where a key stands in its long form: it is {@link LEDGER}'s then.
 */

/** KEYS: the limit, which counts by whole keys. Gives its `ahead` when allowed, and −1 − `ahead` when not. */
export const DECIDE_ONE: string = `
local value = redis.call('GET', KEYS[1])
local rate, ahead = tonumber(ARGV[2]), 0
if value then
  local rest = tonumber(value)
  if not rest then return 'long' end
  if rest >= rate then rest = 0 end
  ahead = redis.call('PTTL', KEYS[1]) * rate - rest
  if ahead < 0 then ahead = 0 end
end
local next = ahead + ARGV[3]
if next > tonumber(ARGV[4]) then return -1 - ahead end
if ARGV[1] == '0' or next == ahead then return ahead end
local life = math.ceil(next / rate)
redis.call('SET', KEYS[1], life * rate - next, 'PX', life)
return next`;

/**
 * KEYS: limits, then holds (a ban, a pause). Gives 1 or 0 and then each limit's `ahead`, or a hold's cause and time to
 * live.
 */
export const DECIDE_ALL: string = `
local values = redis.call('MGET', unpack(KEYS))
local count = (#ARGV - 1) / 3
for at = count + 1, #KEYS do
  if values[at] then return {values[at], redis.call('PTTL', KEYS[at])} end
end
local answer = {1}
for at = 1, count do
  local rate, ahead = tonumber(ARGV[at * 3 - 1]), 0
  if values[at] then
    local rest = tonumber(values[at])
    if not rest then return 'long' end
    if rest >= rate then rest = 0 end
    ahead = redis.call('PTTL', KEYS[at]) * rate - rest
    if ahead < 0 then ahead = 0 end
  end
  answer[at + 1] = ahead
  if ahead + ARGV[at * 3] > tonumber(ARGV[at * 3 + 1]) then answer[1] = 0 end
end
if answer[1] == 0 or ARGV[1] == '0' then return answer end
for at = 1, count do
  local rate = tonumber(ARGV[at * 3 - 1])
  local next = answer[at + 1] + ARGV[at * 3]
  if next > answer[at + 1] then
    local life = math.ceil(next / rate)
    redis.call('SET', KEYS[at], life * rate - next, 'PX', life)
    answer[at + 1] = next
  end
end
return answer`;
