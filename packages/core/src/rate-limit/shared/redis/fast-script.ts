/**
 * The decision that happens all the time: GCRA in all limits, nothing reserved. Per limit one key, whose time to live *is*
 * how far its theoretical arrival time lies ahead, so that no clock of a caller is asked for or trusted. A time to live is
 * whole milliseconds; what it was rounded up by is kept in the value, so that nothing is lost at any rate.
 *
 * Counted in units of 1 / rate ms, in which the interval T is `period` units and everything is a whole number:
 *
 *   ahead = max(0, PTTL · rate − rest);   d = ahead + cost · period;   allowed iff d ≤ burst · period
 *   SET key (expires, ⌈d / rate⌉ · rate − d) PXAT expires, with expires = now + ⌈d / rate⌉
 *
 * Usually the value is that rest, as digits. Some servers let time pass within a script, and PX then loses what passes
 * between PTTL and SET: much of a T that is short. So a key in use whose request costs less than 10 ms has two doubles for
 * its value, when it expires and the rest: with the time to live the first says what time it is, and the next expiry
 * counts from the very millisecond that was decided by. (A rest that can't be, since a process counts by another rate,
 * counts as 0.)
 *
 * ARGV: for each limit rate, cost · period and burst · period; then anything, to look and not to take. The word `long` is the
 * answer where a key stands in its long form: it is {@link LEDGER}'s then.
 */

/** How long a value in its short form is, in bytes. */
export const SHORT_FORM_BYTES = 16;

/** Beside a request that costs so much, in milliseconds of time, what passes within a script is nothing. */
const SLOW_MS = 10;

/** KEYS: the limit, which counts by whole keys. Gives its `ahead` when allowed, and −1 − `ahead` when not. */
export const DECIDE_ONE: string = `
local call = redis.call
local value = call('GET', KEYS[1])
local rate, cost, ahead, now = ARGV[1] + 0, ARGV[2] + 0, 0
if value then
  local expires, rest
  if #value == ${SHORT_FORM_BYTES} then expires, rest = struct.unpack('<dd', value) else rest = tonumber(value) end
  if not rest then return 'long' end
  local left = call('PTTL', KEYS[1])
  if rest >= rate then rest = 0 end
  ahead = left * rate - rest
  if ahead < 0 then ahead = 0 end
  now = expires and expires - left
end
local next = ahead + cost
if next > ARGV[3] + 0 then return -1 - ahead end
if ARGV[4] or cost == 0 then return ahead end
local life = next / rate
life = life - life % 1
local rest = life * rate - next
if rest < 0 then life, rest = life + 1, rest + rate end
if rest % 1 == 0 and (not value or cost >= ${SLOW_MS} * rate) then
  call('SET', KEYS[1], rest, 'PX', life)
  return next
end
if not now then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
call('SET', KEYS[1], struct.pack('<dd', now + life, rest), 'PXAT', now + life)
return next`;

/**
 * The same for several limits, all or nothing. KEYS: limits, then holds (a ban, a pause). Gives 1 or 0 and then each
 * limit's `ahead`, or a hold's cause and time to live.
 */
export const DECIDE_ALL: string = `
local call = redis.call
local values = call('MGET', unpack(KEYS))
local count = (#ARGV - #ARGV % 3) / 3
for at = count + 1, #KEYS do
  if values[at] then return {values[at], call('PTTL', KEYS[at])} end
end
local answer, now = {1}
for at = 1, count do
  local rate, ahead = ARGV[at * 3 - 2] + 0, 0
  if values[at] then
    local expires, rest
    if #values[at] == ${SHORT_FORM_BYTES} then expires, rest = struct.unpack('<dd', values[at]) else rest = tonumber(values[at]) end
    if not rest then return 'long' end
    local left = call('PTTL', KEYS[at])
    if rest >= rate then rest = 0 end
    ahead = left * rate - rest
    if ahead < 0 then ahead = 0 end
    now = now or (expires and expires - left)
  end
  answer[at + 1] = ahead
  if ahead + ARGV[at * 3 - 1] > ARGV[at * 3] + 0 then answer[1] = 0 end
end
if answer[1] == 0 or #ARGV > count * 3 then return answer end
if not now then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
for at = 1, count do
  local rate = ARGV[at * 3 - 2] + 0
  local next = answer[at + 1] + ARGV[at * 3 - 1]
  if next > answer[at + 1] then
    local life = math.ceil(next / rate)
    call('SET', KEYS[at], struct.pack('<dd', now + life, life * rate - next), 'PXAT', now + life)
    answer[at + 1] = next
  end
end
return answer`;
