/** The log of changes in Redis: how it is asked, and what its answer says to a reader who was somewhere in it. */
import type { ChangeCause, ChangeData, ResyncReason } from './stream.ts';

/**
 * The log after a position. KEYS: changes. ARGV: the position or nothing, how many, and `1` where the ids of the devices are
 * enough. Gives the last id, the first id, how many were ever added (-1 where this Redis doesn't count them), how many there
 * are, the entries or the ids of the devices that they are about, how many entries were read, and the id of the last of these;
 * nil where there is no log.
 */
export const READ_CHANGES_SCRIPT = `
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local info = redis.call('XINFO', 'STREAM', KEYS[1])
local found = { added = -1 }
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then found.last = info[i + 1] end
  if info[i] == 'entries-added' then found.added = info[i + 1] end
  if info[i] == 'length' then found.length = info[i + 1] end
  if info[i] == 'first-entry' and info[i + 1] then found.first = info[i + 1][1] end
end
local entries = {}
if ARGV[1] ~= '' then entries = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2]) end
local told = entries
if ARGV[3] == '1' then
  told = {}
  local known = {}
  for _, entry in ipairs(entries) do
    for i = 1, #entry[2], 2 do
      local id = entry[2][i + 1]
      if entry[2][i] == 'device' and not known[id] then
        known[id] = true
        told[#told + 1] = id
      end
    end
  end
end
local read = #entries > 0 and entries[#entries][1] or ''
return { found.last, found.first or found.last, found.added, found.length, told, #entries, read }
`;

/** Where the log stands. */
export interface ChangeLogState {
  /** The id of the entry that was added last. */
  readonly last: string;
  /** The id of the oldest entry that is still there. */
  readonly first: string;
  /** How many changes were ever added; undefined where this Redis doesn't count them (before version 7). */
  readonly added: number | undefined;
  /** How many entries there are. */
  readonly length: number;
}

/** The log before anything was ever written. */
export const EMPTY_CHANGE_LOG: ChangeLogState = Object.freeze({ last: '0-0', first: '0-0', added: 0, length: 0 });

const POSITION = /^\d{1,20}-\d{1,20}$/;

/** Whether a text can be a position in the log at all. */
export const isChangePosition = (text: string): boolean => POSITION.test(text);

/**
 * Why changes after a position may be missing; undefined when all are there.
 *
 * @param addedBefore How many had ever been added as the reader last looked, where that is known.
 */
export function missedChanges(
  { last, first, added, length }: ChangeLogState,
  position: string,
  addedBefore?: number,
): Extract<ResyncReason, 'log-exceeded' | 'unknown-position'> | undefined {
  if (!isChangePosition(position) || isBefore(last, position)) return 'unknown-position';
  // A log that has fewer than it had is another one.
  if (addedBefore !== undefined && added !== undefined && added < addedBefore) return 'unknown-position';
  const hasShed = added === undefined || added > length;
  return hasShed && isBefore(position, first) ? 'log-exceeded' : undefined;
}

/** The change of an entry, from its names and values in turn. */
export function changeOfEntry(fields: readonly string[]): ChangeData {
  const found = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) found.set(fields[i]!, fields[i + 1]!);
  const categories = found.get('categories') ?? '';
  return {
    deviceId: found.get('device') ?? '',
    cause: (found.get('cause') ?? 'metadata') as ChangeCause,
    categories: categories === '' ? [] : categories.split(','),
    at: found.get('at') ?? '',
  };
}

/** Ids of a Redis stream: a time and a number within it. */
function isBefore(a: string, b: string): boolean {
  const [timeA = '0', numberA = '0'] = a.split('-');
  const [timeB = '0', numberB = '0'] = b.split('-');
  return timeA === timeB ? BigInt(numberA) < BigInt(numberB) : BigInt(timeA) < BigInt(timeB);
}
