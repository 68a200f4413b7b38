import type { Clock } from 'breakwater/clock';
import { matchesPattern } from '../contract/device-filter.ts';
import type { StreamQuery } from '../contract/query.ts';
import type { RedisKeys } from '../contract/redis-keys.ts';
import { type ChangeCause, type ChangeData, changeDataSchema, type ResyncReason } from '../contract/stream.ts';
import { sleep } from '../transport/sleep.ts';
import { conforming } from '../transport/conforming.ts';
import type { StreamEvent } from '../transport/transport.ts';
import { listOf, numberOf, textOf } from './reply.ts';
import type { ScriptCaller } from './script-caller.ts';
import { READ_CHANGES } from './scripts.ts';

/** How many changes are read at a time. */
const STEP = 500;

/** The position of a log in which nothing has ever been written. */
const BEGINNING = '0-0';

/** What one look at the log has found. */
interface Look {
  readonly last: string;
  readonly first: string;
  /** How many changes were ever added; undefined where this Redis doesn't count them (before version 7). */
  readonly added: number | undefined;
  readonly length: number;
  readonly entries: readonly unknown[];
}

/**
 * The changes in Redis's own log, read again and again: waiting inside a command would keep the connection from everybody
 * else. What the log no longer holds, or holds from the beginning anew, becomes a `resync`.
 */
export class RedisChanges {
  private readonly scripts: ScriptCaller;
  private readonly keys: RedisKeys;
  private readonly clock: Clock;
  private readonly pollMs: number;

  constructor(scripts: ScriptCaller, keys: RedisKeys, clock: Clock, pollMs: number) {
    this.scripts = scripts;
    this.keys = keys;
    this.clock = clock;
    this.pollMs = pollMs;
  }

  async *follow(query: StreamQuery, signal: AbortSignal): AsyncGenerator<StreamEvent, void, undefined> {
    const isMeant = meaning(query);
    let position = query.since;
    let added: number | undefined;
    for (;;) {
      signal.throwIfAborted();
      const look = await this.look(position ?? '');
      const reason = position === undefined ? undefined : lost(look, position, added);
      if (position === undefined) {
        position = look?.last ?? BEGINNING;
        yield { type: 'ready', position };
      } else if (reason !== undefined) {
        position = look?.last ?? BEGINNING;
        yield { type: 'resync', position, resync: { reason } };
      } else {
        for (const entry of look?.entries ?? []) {
          const [id, fields] = listOf(entry);
          position = textOf(id);
          const change = changeOf(listOf(fields));
          if (isMeant(change.deviceId)) yield { type: 'change', position, change };
        }
      }
      added = look?.added ?? (look === undefined ? 0 : undefined);
      const isBehind = reason === undefined && look?.entries.length === STEP;
      if (!isBehind) await sleep(this.clock, this.pollMs, signal);
    }
  }

  private async look(position: string): Promise<Look | undefined> {
    const reply = await this.scripts.call(READ_CHANGES, [this.keys.changes], [position, String(STEP)]);
    if (reply === null) return undefined;
    const [last, first, added, length, entries] = listOf(reply);
    const count = numberOf(added);
    return {
      last: textOf(last),
      first: textOf(first),
      added: count < 0 ? undefined : count,
      length: numberOf(length),
      entries: listOf(entries),
    };
  }
}

/** Why changes after a position may be missing; undefined when all are there. */
function lost(look: Look | undefined, position: string, added: number | undefined): ResyncReason | undefined {
  if (look === undefined) return position === BEGINNING ? undefined : 'unknown-position';
  if (isBefore(look.last, position)) return 'unknown-position';
  // A log that has fewer than it had is another one.
  if (added !== undefined && look.added !== undefined && look.added < added) return 'unknown-position';
  const hasShed = look.added === undefined || look.added > look.length;
  return hasShed && isBefore(position, look.first) ? 'log-exceeded' : undefined;
}

/** Ids of a Redis stream: a time and a number within it. */
function isBefore(a: string, b: string): boolean {
  const [timeA = '0', numberA = '0'] = a.split('-');
  const [timeB = '0', numberB = '0'] = b.split('-');
  return timeA === timeB ? Number(numberA) < Number(numberB) : Number(timeA) < Number(timeB);
}

function changeOf(fields: readonly unknown[]): ChangeData {
  const found = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) found.set(textOf(fields[i]), textOf(fields[i + 1]));
  const categories = found.get('categories') ?? '';
  const change = {
    deviceId: found.get('device') ?? '',
    cause: found.get('cause') as ChangeCause,
    categories: categories === '' ? [] : categories.split(','),
    at: found.get('at') ?? '',
  };
  return conforming(changeDataSchema, change, 'the log of changes in Redis');
}

function meaning({ device, pattern }: StreamQuery): (id: string) => boolean {
  const devices = device === undefined ? undefined : new Set(typeof device === 'string' ? [device] : device);
  return (id) => (devices === undefined || devices.has(id)) && (pattern === undefined || matchesPattern(pattern, id));
}
