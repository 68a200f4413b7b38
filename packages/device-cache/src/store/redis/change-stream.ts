/** The log of changes as a Redis stream, which every service that shares the Redis writes and reads. */
import { type ChangeCause, type ChangeData } from '@breakwater/device-client/contract';
import type { Clock, Timer } from 'breakwater/clock';
import type { ChangeListener, ChangesSince, LoggedChange } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { readChangesScript } from './scripts.ts';

/** How many changes are read at a time. */
const STEP = 500;

/** The position of a log in which nothing was ever written. */
const BEGINNING = '0-0';

/** What one look at the log has found. */
interface Look {
  readonly last: string;
  readonly first: string;
  readonly added: number;
  readonly length: number;
  readonly changes: readonly LoggedChange[];
}

const NOTHING: Look = { last: BEGINNING, first: BEGINNING, added: 0, length: 0, changes: [] };

export class ChangeStream {
  private readonly connection: RedisConnection;
  private readonly key: string;
  private readonly clock: Clock;
  private readonly pollMs: number;
  private readonly listeners: Set<ChangeListener> = new Set();
  private timer: Timer | undefined = undefined;
  private position: string | undefined = undefined;
  private added: number = 0;
  private looking: Promise<void> | undefined = undefined;
  private lookAgain: boolean = false;
  private isAway: boolean = false;

  constructor(connection: RedisConnection, key: string, clock: Clock, pollMs: number) {
    this.connection = connection;
    this.key = key;
    this.clock = clock;
    this.pollMs = pollMs;
  }

  async since(position: string | undefined, most: number): Promise<ChangesSince> {
    const { last, changes, ...look } = await this.look(position ?? '', most);
    if (position === undefined) return { changes: [], position: last };
    const lost = lostSince({ last, changes, ...look }, position);
    if (lost !== undefined) return { lost, position: last };
    return { changes, position: changes.at(-1)?.position ?? position };
  }

  async listen(listener: ChangeListener): Promise<() => Promise<void>> {
    this.listeners.add(listener);
    if (this.listeners.size === 1) await this.poll();
    return async () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      this.timer?.cancel();
      this.timer = undefined;
      await this.looking;
    };
  }

  /** Looks at once: something was just written. */
  nudge(): void {
    if (this.listeners.size === 0) return;
    if (this.looking === undefined) void this.poll();
    else this.lookAgain = true;
  }

  stop(): Promise<void> {
    this.listeners.clear();
    this.timer?.cancel();
    return this.looking ?? Promise.resolve();
  }

  private async poll(): Promise<void> {
    this.timer?.cancel();
    this.looking ??= this.follow().finally(() => {
      this.looking = undefined;
    });
    await this.looking;
    if (this.listeners.size === 0) return;
    this.timer = this.clock.setTimer(this.lookAgain ? 0 : this.pollMs, () => void this.poll(), true);
    this.lookAgain = false;
  }

  /** Tells what is new, until nothing is. Never throws: while the store is away there is nothing to tell. */
  private async follow(): Promise<void> {
    try {
      for (let isBehind = true; isBehind && this.listeners.size > 0;) {
        const look = await this.connection.run(() => this.look(this.position ?? '', STEP));
        isBehind = look.changes.length === STEP;
        this.tell(look);
      }
      this.isAway = false;
    } catch {
      // Others may have written meanwhile: whoever keeps copies must not trust them until we can look again.
      if (!this.isAway) for (const listener of this.listeners) listener.gap();
      this.isAway = true;
    }
  }

  private tell(look: Look): void {
    const before = this.position;
    const isOther = look.added < this.added || (before !== undefined && lostSince(look, before) !== undefined);
    this.added = look.added;
    this.position = before === undefined || isOther ? look.last : (look.changes.at(-1)?.position ?? before);
    if (isOther) for (const listener of this.listeners) listener.gap();
    else for (const change of look.changes) for (const listener of this.listeners) listener.changed(change);
  }

  private async look(position: string, most: number): Promise<Look> {
    if (position !== '' && !/^\d{1,20}-\d{1,20}$/.test(position))
      return { ...(await this.look('', 0)), first: UNKNOWN };
    const reply = await this.connection.script(readChangesScript, [this.key], [position, String(most)]);
    if (!Array.isArray(reply)) return NOTHING;
    const [last, first, added, length] = reply;
    const entries = reply[4] as readonly (readonly [string, readonly string[]])[];
    const changes = entries.map(([id, fields]) => ({ position: id, data: dataOf(fields) }));
    return { last: String(last), first: String(first), added: Number(added), length: Number(length), changes };
  }
}

/** Stands for the first entry where the position is none of ours. */
const UNKNOWN = 'unknown';

function lostSince(
  { last, first, added, length }: Look,
  position: string,
): 'log-exceeded' | 'unknown-position' | undefined {
  if (first === UNKNOWN || isBefore(last, position)) return 'unknown-position';
  return (added < 0 || added > length) && isBefore(position, first) ? 'log-exceeded' : undefined;
}

/** Ids of a Redis stream: a time and a number within it. */
function isBefore(a: string, b: string): boolean {
  const [timeA = '0', numberA = '0'] = a.split('-');
  const [timeB = '0', numberB = '0'] = b.split('-');
  return timeA === timeB ? BigInt(numberA) < BigInt(numberB) : BigInt(timeA) < BigInt(timeB);
}

function dataOf(fields: readonly string[]): ChangeData {
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
