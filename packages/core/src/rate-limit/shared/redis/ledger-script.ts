/**
 * Everything but the plain decision, in one script: reservations, leases, settling, and the algorithms beside GCRA.
 *
 * A key has two forms. The short one is that of {@link DECIDE_ONE}. The long one is an `L` and, packed, the state of its
 * meter (`s`) and the period that it goes by (`n`), what is promised and not yet due (`p`, by time), what was taken and may
 * still be given back (`t`), and until when bans and pauses hold the key back (`h`) where it is the only one of its decisions. A key goes back
 * to its short form as soon as there is nothing of that. Whether something fits is found out by playing it through
 * between the promises, as `Limit` does in one process: so two reservations never share a slot, and one that is cancelled
 * leaves no trace.
 *
 * Where all limits are GCRA time goes by the milliseconds that the plain decision knows, so that both say the same.
 *
 * KEYS: limits, then holds. ARGV: the operation, how many limits, and for each its kind, largest cost, rate, period and
 * cost; then what the operation wants. An answer is a list of numbers as texts; −1 stands for "never".
 */
import { SHORT_FORM_BYTES } from './fast-script.ts';
import { METERS } from './meter-scripts.ts';

const STATES = `
local limits, count = {}, tonumber(ARGV[2])
local rest = 2 + count * 5
local byTicks = true
for at = 1, count do if ARGV[3 + (at - 1) * 5] ~= 'g' then byTicks = false end end
if byTicks then now = tick end
local function load(l)
  l.holds = {}
  local value = redis.call('GET', l.key)
  local isLong = value and #value ~= ${SHORT_FORM_BYTES} and string.sub(value, 1, 1) == 'L'
  local kept = isLong and cmsgpack.unpack(string.sub(value, 2))
  if kept and kept.k == l.kind then
    l.state, l.pending, l.taken = kept.s, kept.p, kept.t
    for cause, ends in pairs(kept.h or {}) do if ends < 0 or ends > now then l.holds[cause] = ends end end
    if l.meter.rebase then l.meter.rebase(l, l.state, l.taken) end
    if l.meter.resize and kept.n and kept.n ~= l.period then l.meter.resize(l, kept.n, l.state, l.taken) end
    return
  end
  l.state, l.pending, l.taken = l.meter.fresh(), {}, {}
  if l.kind ~= 'g' or not value then return end
  local expires, rest
  if #value == ${SHORT_FORM_BYTES} then expires, rest = struct.unpack('<dd', value) else rest = tonumber(value) end
  if not rest then return end
  expires = expires or tick + math.max(0, redis.call('PTTL', l.key))
  l.state.u = math.max(0, (expires - tick) * l.rate - (rest < l.rate and rest or 0))
end
local function takeDue(l)
  while l.pending[1] and l.pending[1].at <= now do
    local due = table.remove(l.pending, 1)
    l.meter.take(l, l.state, due.cost, due.at)
    due.mark = l.meter.mark(l.state)
    if due.held and due.ends > now then table.insert(l.taken, due) end
  end
  for at = #l.taken, 1, -1 do if l.taken[at].ends <= now then table.remove(l.taken, at) end end
end
local function save(l)
  local last, state = now, l.meter.copy(l.state)
  for _, each in ipairs(l.pending) do
    l.meter.take(l, state, each.cost, each.at)
    last = math.max(last, each.at)
  end
  last = last + l.meter.reset(l, state, last)
  for _, each in ipairs(l.taken) do last = math.max(last, each.ends) end
  local isHeld, isForever = next(l.holds) ~= nil, false
  for _, ends in pairs(l.holds) do last, isForever = math.max(last, ends), isForever or ends < 0 end
  if last <= now and not isHeld then return redis.call('DEL', l.key) end
  local life = math.min(LONGEST, math.ceil(last - tick))
  if l.kind == 'g' and #l.pending == 0 and #l.taken == 0 and not isHeld then
    local ahead = math.min(LONGEST * l.rate, l.meter.ahead(l, l.state, tick))
    life = math.ceil(ahead / l.rate)
    return redis.call('SET', l.key, struct.pack('<dd', tick + life, life * l.rate - ahead), 'PXAT', tick + life)
  end
  local kept = 'L' .. cmsgpack.pack({k = l.kind, n = l.period, s = l.state, p = l.pending, t = l.taken, h = l.holds})
  if isForever then return redis.call('SET', l.key, kept) end
  redis.call('SET', l.key, kept, 'PXAT', tick + life)
end
local function saveAll() for _, l in ipairs(limits) do save(l) end end
for at = 1, count do
  local of = 3 + (at - 1) * 5
  local l = {key = KEYS[at], kind = ARGV[of], max = tonumber(ARGV[of + 1]), rate = tonumber(ARGV[of + 2]),
    period = tonumber(ARGV[of + 3]), cost = tonumber(ARGV[of + 4])}
  l.meter = meters[l.kind]
  limits[at] = l
  load(l)
  takeDue(l)
end`;

const FITTING = `
local function waitOf(l, state, each)
  return each.cost > l.max and INF or l.meter.wait(l, state, each.cost, each.at)
end
local function leavesRoom(l, state, from, cost, at)
  local after, without = l.meter.copy(state), l.meter.copy(state)
  l.meter.take(l, after, cost, at)
  for index = from, #l.pending do
    local each = l.pending[index]
    local wait = waitOf(l, after, each)
    if wait > 0 and wait > waitOf(l, without, each) then return false end
    l.meter.take(l, after, each.cost, each.at)
    l.meter.take(l, without, each.cost, each.at)
  end
  return true
end
local function earliest(l, cost, from)
  if cost > l.max then return INF end
  if #l.pending == 0 then return from + l.meter.wait(l, l.state, cost, from) end
  local state = l.meter.copy(l.state)
  for index, each in ipairs(l.pending) do
    local at = from > each.at and INF or from + l.meter.wait(l, state, cost, from)
    if at <= each.at and leavesRoom(l, state, index, cost, at) then return at end
    l.meter.take(l, state, each.cost, each.at)
    from = math.max(from, each.at)
  end
  return from + l.meter.wait(l, state, cost, from)
end
local function earliestOfAll(from)
  local slowest = 1
  for _ = 1, 1000 do
    local latest = from
    for index, l in ipairs(limits) do
      local at = earliest(l, l.cost, from)
      if at > latest then latest, slowest = at, index end
    end
    if latest == from or latest == INF then return latest, slowest end
    from = latest
  end
  return INF, slowest
end
local function remaining(l)
  local most = l.meter.remaining(l, l.state, now)
  if #l.pending == 0 then return most end
  local least = 0
  while least < most do
    local middle = math.ceil((least + most) / 2)
    if earliest(l, middle, now) == now then least = middle else most = middle - 1 end
  end
  return most
end
local answer = {}
local function say(number)
  table.insert(answer, number == INF and '-1' or string.format('%.17g', number))
end
local function sayAll()
  for _, l in ipairs(limits) do
    say(remaining(l))
    say(l.meter.reset(l, l.state, now))
  end
end
local function hold()
  for _, cause in ipairs({'ban', 'pause'}) do
    local ends = limits[1].holds[cause]
    if ends then return cause, ends < 0 and -1 or ends - now end
  end
  for at = count + 1, #KEYS do
    local cause = redis.call('GET', KEYS[at])
    if cause then return cause, redis.call('PTTL', KEYS[at]) end
  end
end`;

const PROMISES = `
local function promise(l, entry)
  local place = #l.pending + 1
  while place > 1 and l.pending[place - 1].at > entry.at do place = place - 1 end
  table.insert(l.pending, place, entry)
  takeDue(l)
end
local function find(list, id)
  for at, each in ipairs(list) do if each.id == id and each.held then return at, each end end
end
local function giveTaken(l, at, cost)
  local moved = l.meter.give(l, l.state, cost, l.taken[at].mark, now)
  if l.kind == 'g' then
    for index = at + 1, #l.taken do l.taken[index].mark = l.taken[index].mark - moved end
  end
end
local function takeBack(l, id)
  local at = find(l.pending, id)
  if at then return table.remove(l.pending, at) end
  at = find(l.taken, id)
  if not at then return nil end
  giveTaken(l, at, l.taken[at].cost)
  return table.remove(l.taken, at)
end
local function settle(l, id, actual)
  local at, entry = find(l.pending, id)
  if at then
    if actual > entry.cost then l.meter.take(l, l.state, actual - entry.cost, now) end
    entry.cost, entry.held = math.min(entry.cost, actual), false
    return true
  end
  at, entry = find(l.taken, id)
  if not at then return false end
  if actual < entry.cost then giveTaken(l, at, entry.cost - actual) end
  if actual > entry.cost then l.meter.take(l, l.state, actual - entry.cost, now) end
  table.remove(l.taken, at)
  return true
end`;

const OPERATIONS = `
local op = ARGV[1]
if op == 'check' or op == 'take' or op == 'lease' then
  local cause, life = hold()
  if cause then return {cause, life} end
  local fits = true
  for _, l in ipairs(limits) do
    l.wait = earliest(l, l.cost, now) - now
    if l.wait > 0 then fits = false end
  end
  for at, l in ipairs(limits) do
    l.granted = 0
    if fits and op ~= 'check' then
      l.granted = op == 'lease' and math.max(l.cost, math.min(tonumber(ARGV[rest + at]), remaining(l))) or l.cost
      if l.granted > 0 then l.meter.take(l, l.state, l.granted, now) end
    end
    say(l.wait)
    say(remaining(l))
    say(l.meter.reset(l, l.state, now))
    say(l.granted)
  end
  if fits and op ~= 'check' then saveAll() end
  return answer
end
if op == 'reserve' then
  local id, longest, after, expires = ARGV[rest + 1], tonumber(ARGV[rest + 2]), tonumber(ARGV[rest + 3]), tonumber(ARGV[rest + 4])
  local cause, life = hold()
  if cause == 'pause' then after = math.max(after, life) elseif cause then return {cause, life} end
  local first = limits[1]
  if #first.pending + #first.taken >= tonumber(ARGV[rest + 5]) then
    local soonest = INF
    for _, each in ipairs(first.pending) do soonest = math.min(soonest, each.held and each.ends or each.at) end
    for _, each in ipairs(first.taken) do soonest = math.min(soonest, each.ends) end
    return {'full', soonest < now + LONGEST and math.ceil(soonest - now) or -1}
  end
  local at, slowest = earliestOfAll(now + after)
  say(at - now)
  say(slowest)
  if at - now <= longest then
    for _, l in ipairs(limits) do
      promise(l, {id = id, cost = l.cost, at = at, held = true, ends = at + expires})
    end
    saveAll()
  end
  sayAll()
  return answer
end
if op == 'cancel' or op == 'commit' or op == 'settle' then
  local found = false
  for _, l in ipairs(limits) do
    if op == 'cancel' then found = takeBack(l, ARGV[rest + 1]) ~= nil or found end
    if op == 'settle' then found = settle(l, ARGV[rest + 1], l.cost) or found end
    if op == 'commit' then
      local at, entry = find(l.pending, ARGV[rest + 1])
      if at then entry.held, found = false, true end
      at = find(l.taken, ARGV[rest + 1])
      if at then table.remove(l.taken, at); found = true end
    end
  end
  if found then saveAll() end
  say(found and 1 or 0)
  return answer
end
if op == 'move' then
  local from
  for _, l in ipairs(limits) do
    l.entry = takeBack(l, ARGV[rest + 1])
    if l.entry then from = l.entry.at + tonumber(ARGV[rest + 2]) end
  end
  if not from then return {'-1'} end
  local at = earliestOfAll(math.max(now, from))
  if at == INF then return {'-1'} end
  for _, l in ipairs(limits) do
    if l.entry then
      promise(l, {id = ARGV[rest + 1], cost = l.entry.cost, at = at, held = true, ends = l.entry.ends - l.entry.at + at})
    end
  end
  saveAll()
  say(at - now)
  return answer
end
if op == 'hold' then
  local holds, cause, life = limits[1].holds, ARGV[rest + 1], tonumber(ARGV[rest + 2])
  local ends = life < 0 and -1 or now + life
  local before = holds[cause] or 0
  local isShorter = before < 0 or (before >= ends and ends >= 0)
  if cause == 'ban' or not isShorter then holds[cause] = ends end
end
for _, l in ipairs(limits) do
  if op == 'charge' and l.cost > 0 then l.meter.take(l, l.state, l.cost, now) end
  if op == 'forgive' then l.meter.forgive(l, l.state, l.cost, now) end
  if op == 'forget' then l.state, l.taken, l.holds = l.meter.fresh(), {}, {} end
  if op == 'lower' and l.cost >= 0 then
    local tooMuch = remaining(l) - l.cost
    if tooMuch > 0 then l.meter.take(l, l.state, tooMuch, now) end
  end
end
if op == 'forget' then for at = count + 1, #KEYS do redis.call('DEL', KEYS[at]) end end
saveAll()
return answer`;

export const LEDGER: string = METERS + STATES + FITTING + PROMISES + OPERATIONS;

/** KEYS: a hold. ARGV: `ban` or `pause`, milliseconds or −1 for ever. A pause shortens none that holds already. */
export const HOLD: string = `
if ARGV[1] == 'pause' then
  local held = redis.call('PTTL', KEYS[1])
  if held == -1 or held >= tonumber(ARGV[2]) and ARGV[2] ~= '-1' then return 0 end
end
if ARGV[2] == '-1' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1`;
