import type { Clock } from 'breakwater/clock';
import { matchesPattern } from '../contract/device-filter.ts';
import type { StreamQuery } from '../contract/query.ts';
import type { RedisKeys } from '../contract/redis-keys.ts';
import {
  changeOfEntry,
  type ChangeLogState,
  EMPTY_CHANGE_LOG,
  isChangePosition,
  missedChanges,
  READ_CHANGES_SCRIPT,
} from '../contract/redis-change-log.ts';
import { type ChangeData, changeDataSchema } from '../contract/stream.ts';
import { sleep } from '../transport/sleep.ts';
import { conforming } from '../transport/conforming.ts';
import type { StreamEvent } from '../transport/transport.ts';
import { listOf, numberOf, textOf } from './reply.ts';
import type { ScriptCaller } from './script-caller.ts';

/** How many changes are read at a time. */
const STEP = 500;

/** What one look at the log has found. */
interface Look extends ChangeLogState {
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
      const reason = position === undefined ? undefined : missedChanges(look, position, added);
      if (position === undefined) {
        position = look.last;
        yield { type: 'ready', position };
      } else if (reason !== undefined) {
        position = look.last;
        yield { type: 'resync', position, resync: { reason } };
      } else {
        for (const entry of look.entries) {
          const [id, fields] = listOf(entry);
          position = textOf(id);
          const change = changeOf(listOf(fields));
          if (isMeant(change.deviceId)) yield { type: 'change', position, change };
        }
      }
      added = look.added;
      const isBehind = reason === undefined && look.entries.length === STEP;
      if (!isBehind) await sleep(this.clock, this.pollMs, signal);
    }
  }

  private async look(position: string): Promise<Look> {
    const after = isChangePosition(position) ? position : '';
    const reply = await this.scripts.call(READ_CHANGES_SCRIPT, [this.keys.changes], [after, String(STEP)]);
    if (reply === null) return { ...EMPTY_CHANGE_LOG, entries: [] };
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

const changeOf = (fields: readonly unknown[]): ChangeData =>
  conforming(changeDataSchema, changeOfEntry(fields.map(textOf)), 'the log of changes in Redis');

function meaning({ device, pattern }: StreamQuery): (id: string) => boolean {
  const devices = device === undefined ? undefined : new Set(typeof device === 'string' ? [device] : device);
  return (id) => (devices === undefined || devices.has(id)) && (pattern === undefined || matchesPattern(pattern, id));
}
