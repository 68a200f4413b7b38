/**
 * The algorithms in Lua, for everything but the plain decision by GCRA. Each is a table of functions of a limit `l` (its
 * `max`, `rate` and `period`), a state `s` and a time `t`, and says what its counterpart in `algorithms/` says. Times are
 * milliseconds of the server's clock with its microseconds; `tick` is the whole millisecond that times to live count from.
 * `resize` goes on from a state that was written when the limit had another `period`, as `update` does there.
 */
const GCRA = `
meters.g = {
  fresh = function() return {b = tick, u = 0} end,
  copy = function(s) return {b = s.b, u = s.u} end,
  ahead = function(l, s, t) return math.max(0, s.u - (t - s.b) * l.rate) end,
  wait = function(l, s, cost, t)
    local over = meters.g.ahead(l, s, t) + (cost - l.max) * l.period
    return over <= l.rate * SLACK and 0 or upToUs(over / l.rate)
  end,
  take = function(l, s, cost, t) s.u = math.max(s.u, (t - s.b) * l.rate) + cost * l.period end,
  mark = function(s) return s.u end,
  give = function(l, s, cost, mark, t)
    local back = math.min(cost * l.period, math.min(mark, s.u) - (t - s.b) * l.rate)
    if back <= 0 then return 0 end
    s.u = s.u - back
    return back
  end,
  forgive = function(l, s, cost, t) meters.g.give(l, s, cost, INF, t) end,
  remaining = function(l, s, t)
    local room = l.max * l.period - meters.g.ahead(l, s, t)
    local fits = math.floor(room / l.period)
    return math.max(0, fits * l.period > room and fits - 1 or fits)
  end,
  reset = function(l, s, t) return meters.g.ahead(l, s, t) / l.rate end,
  resize = function(l, period, s, taken)
    s.u = s.u * l.period / period
    for _, each in ipairs(taken) do each.mark = each.mark * l.period / period end
  end,
  rebase = function(l, s, taken)
    local passed = (tick - s.b) * l.rate
    s.b, s.u = tick, s.u - passed
    for _, each in ipairs(taken) do each.mark = each.mark - passed end
  end,
}`;

const SLIDING_LOG = `
local function alive(l, s, t)
  local first, sum = 1, 0
  while s.t[first] and s.t[first] <= t - l.period + SLACK do first = first + 1 end
  for at = first, #s.t do sum = sum + s.c[at] end
  return first, sum
end
local function dropOld(l, s, t)
  local first = alive(l, s, t)
  if first == 1 then return end
  local times, costs = {}, {}
  for at = first, #s.t do times[at - first + 1], costs[at - first + 1] = s.t[at], s.c[at] end
  s.t, s.c = times, costs
end
meters.l = {
  fresh = function() return {t = {}, c = {}} end,
  copy = function(s)
    local times, costs = {}, {}
    for at, time in ipairs(s.t) do times[at], costs[at] = time, s.c[at] end
    return {t = times, c = costs}
  end,
  wait = function(l, s, cost, t)
    local at, sum = alive(l, s, t)
    local missing = sum + cost - l.max
    if missing <= 0 then return 0 end
    while missing > s.c[at] and s.t[at + 1] do missing, at = missing - s.c[at], at + 1 end
    return s.t[at] + l.period - t
  end,
  take = function(l, s, cost, t)
    dropOld(l, s, t)
    local last = #s.t
    if s.t[last] == t then s.c[last] = s.c[last] + cost else s.t[last + 1], s.c[last + 1] = t, cost end
  end,
  mark = function(s) return s.t[#s.t] end,
  give = function(l, s, cost, mark, t)
    dropOld(l, s, t)
    for at = 1, #s.t do if s.t[at] == mark then s.c[at] = math.max(0, s.c[at] - cost) end end
    return 0
  end,
  forgive = function(l, s, cost, t)
    dropOld(l, s, t)
    for at = #s.t, 1, -1 do
      local less = math.min(cost, s.c[at])
      s.c[at], cost = s.c[at] - less, cost - less
    end
  end,
  remaining = function(l, s, t)
    local _, sum = alive(l, s, t)
    return math.max(0, math.floor(l.max - sum))
  end,
  reset = function(l, s, t)
    local _, sum = alive(l, s, t)
    return sum == 0 and 0 or s.t[#s.t] + l.period - t
  end,
  resize = function(l, period, s) dropOld({period = period}, s, now) end,
}`;

const SLIDING_WINDOW = `
local function windowOf(period, t) return math.floor((t + SLACK) / period) end
local function moveMarks(taken, from, to)
  for _, each in ipairs(taken) do each.mark = each.mark == from and to or -1 end
end
local function roll(l, s, t)
  local window = windowOf(l.period, t)
  if window == s.w + 1 then s.p, s.q = 0, s.p elseif window > s.w then s.p, s.q = 0, 0 end
  if window > s.w then s.w = window end
  return t - s.w * l.period
end
local function fitsFrom(l, before, present)
  local room = l.max - present
  if before <= room then return 0 end
  return math.min(l.period, upToUs(l.period * (1 - room / before)))
end
meters.w = {
  fresh = function() return {w = 0, p = 0, q = 0} end,
  copy = function(s) return {w = s.w, p = s.p, q = s.q} end,
  wait = function(l, s, cost, t)
    s = meters.w.copy(s)
    local elapsed = roll(l, s, t)
    if s.p + cost <= l.max then
      local missing = fitsFrom(l, s.q, s.p + cost) - elapsed
      return missing <= SLACK and 0 or missing
    end
    return l.period - elapsed + fitsFrom(l, s.p, cost)
  end,
  take = function(l, s, cost, t) roll(l, s, t); s.p = s.p + cost end,
  mark = function(s) return s.w end,
  give = function(l, s, cost, mark, t)
    roll(l, s, t)
    if mark == s.w then s.p = math.max(0, s.p - cost) elseif mark == s.w - 1 then s.q = math.max(0, s.q - cost) end
    return 0
  end,
  forgive = function(l, s, cost, t)
    roll(l, s, t)
    local rest = math.max(0, cost - s.p)
    s.p, s.q = math.max(0, s.p - cost), math.max(0, s.q - rest)
  end,
  remaining = function(l, s, t)
    s = meters.w.copy(s)
    local elapsed = roll(l, s, t)
    local fits = math.max(0, math.floor(l.max - s.p - s.q * (1 - elapsed / l.period) + l.max * 1e-12))
    return fits > 0 and meters.w.wait(l, s, fits, t) > 0 and fits - 1 or fits
  end,
  reset = function(l, s, t)
    s = meters.w.copy(s)
    local elapsed = roll(l, s, t)
    if s.p > 0 then return 2 * l.period - elapsed end
    return s.q > 0 and l.period - elapsed or 0
  end,
  resize = function(l, period, s, taken)
    local window = windowOf(period, now)
    local part = window + 1 - now / period
    local estimate = s.w == window and s.p + s.q * part or s.w == window - 1 and s.p * part or 0
    moveMarks(taken, window, windowOf(l.period, now))
    s.w, s.p, s.q = windowOf(l.period, now), math.ceil(estimate), 0
  end,
}`;

const FIXED_WINDOW = `
local function enter(l, s, t)
  local window = windowOf(l.period, t)
  if window > s.w then s.w, s.p = window, 0 end
  return (s.w + 1) * l.period - t
end
meters.f = {
  fresh = function() return {w = 0, p = 0} end,
  copy = function(s) return {w = s.w, p = s.p} end,
  wait = function(l, s, cost, t)
    s = meters.f.copy(s)
    local left = enter(l, s, t)
    return s.p + cost <= l.max and 0 or left
  end,
  take = function(l, s, cost, t) enter(l, s, t); s.p = s.p + cost end,
  mark = function(s) return s.w end,
  give = function(l, s, cost, mark, t)
    enter(l, s, t)
    if mark == s.w then s.p = math.max(0, s.p - cost) end
    return 0
  end,
  forgive = function(l, s, cost, t) enter(l, s, t); s.p = math.max(0, s.p - cost) end,
  remaining = function(l, s, t)
    s = meters.f.copy(s)
    enter(l, s, t)
    return math.max(0, math.floor(l.max - s.p))
  end,
  reset = function(l, s, t)
    s = meters.f.copy(s)
    local left = enter(l, s, t)
    return s.p == 0 and 0 or left
  end,
  resize = function(l, period, s, taken)
    local window, becomes = windowOf(period, now), windowOf(l.period, now)
    moveMarks(taken, window, becomes)
    s.w, s.p = becomes, s.w == window and s.p or 0
  end,
}`;

/** Beyond this Redis keeps no time in milliseconds: 1,000 years. */
export const LONGEST_MS = 31_536_000_000_000;

/** Defines `now`, `tick`, `INF`, `upToUs` and `meters`. */
export const METERS: string = `
local INF, SLACK, LONGEST = math.huge, 0.001, ${LONGEST_MS}
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local tick = math.floor(now)
local function upToUs(ms) return math.ceil(ms * 1000 - 1e-6) / 1000 end
local meters = {}
${GCRA}${SLIDING_LOG}${SLIDING_WINDOW}${FIXED_WINDOW}`;
