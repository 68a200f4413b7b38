/** The log of changes as a Redis stream, which every service that shares the Redis writes and reads. */
import {
  changeOfEntry,
  type ChangeLogState,
  EMPTY_CHANGE_LOG,
  isChangePosition,
  missedChanges,
  READ_CHANGES_SCRIPT,
} from '@breakwater/device-client/contract';
import type { Clock, Timer } from 'breakwater/clock';
import type { ChangeListener, ChangesSince, LoggedChange } from '../store.ts';
import type { RedisConnection } from './connection.ts';

/** How many changes are read at a time. */
const STEP = 500;

/** What one look at the log has found. */
interface Look extends ChangeLogState {
  /** How many entries were read. */
  readonly count: number;
  /** The last of them; empty where there was none. */
  readonly end: string;
  /** What they say: none where ids were enough. */
  readonly changes: readonly LoggedChange[];
  /** The devices that they are about, where ids were enough. */
  readonly ids: readonly string[] | undefined;
}

const NOTHING: Look = { ...EMPTY_CHANGE_LOG, count: 0, end: '', changes: [], ids: undefined };

export class ChangeStream {
  private readonly connection: RedisConnection;
  private readonly key: string;
  private readonly clock: Clock;
  private readonly pollMs: number;
  private readonly listeners: Set<ChangeListener> = new Set();
  private timer: Timer | undefined = undefined;
  private position: string | undefined = undefined;
  private added: number | undefined = 0;
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
    const look = await this.look(position ?? '', most, false);
    const { last, changes } = look;
    if (position === undefined) return { changes: [], position: last };
    const lost = missedChanges(look, position);
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
        const idsOnly = this.idsAreEnough();
        const look = await this.connection.run(() => this.look(this.position ?? '', STEP, idsOnly));
        // Somebody has come meanwhile who wants more.
        if (idsOnly && !this.idsAreEnough()) continue;
        isBehind = look.count === STEP;
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
    const isOther = missedChanges(look, before ?? look.last, this.added) !== undefined;
    this.added = look.added;
    this.position = before === undefined || isOther ? look.last : look.end || before;
    if (isOther) for (const listener of this.listeners) listener.gap();
    else if (look.ids === undefined) for (const change of look.changes) this.tellAll(change);
    else if (look.ids.length > 0) for (const { ids } of this.listeners) ids?.changed(look.ids);
  }

  private tellAll(change: LoggedChange): void {
    for (const listener of this.listeners) listener.changed(change);
  }

  private idsAreEnough(): boolean {
    for (const { ids } of this.listeners) if (ids?.areEnough() !== true) return false;
    return true;
  }

  private async look(position: string, most: number, idsOnly: boolean): Promise<Look> {
    const after = isChangePosition(position) ? position : '';
    const parameters = [after, String(most), idsOnly ? '1' : '0'];
    const reply = await this.connection.scriptForTexts(READ_CHANGES_SCRIPT, [this.key], parameters);
    if (!Array.isArray(reply)) return NOTHING;
    const [last, first, added, length, told, count, end] = reply as unknown as LogReply;
    const facts = { last, first, added: added < 0 ? undefined : added, length, count, end };
    if (idsOnly) return { ...facts, changes: [], ids: told as readonly string[] };
    const entries = told as readonly LogEntry[];
    return {
      ...facts,
      changes: entries.map(([id, fields]) => ({ position: id, data: changeOfEntry(fields) })),
      ids: undefined,
    };
  }
}

type LogEntry = readonly [id: string, fields: readonly string[]];
/** See {@link READ_CHANGES_SCRIPT}. */
type LogReply = readonly [
  last: string,
  first: string,
  added: number,
  length: number,
  told: readonly string[] | readonly LogEntry[],
  count: number,
  end: string,
];
