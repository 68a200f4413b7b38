/**
 * Keeps the numbers of limits alike in all processes. Whoever changes them tells the store; the others look there while
 * they are used, once in a while. A change says which numbers it has replaced, and concerns only processes that were
 * configured with those: what a later release brings is not overruled by a change of before.
 */
import type { Clock, Timer } from '../../clock/clock.ts';
import { changedLimit, type LimitNumbers, type ResolvedLimit } from '../limit-options.ts';
import type { StoreLink } from './store-link.ts';

/** What a change stands as in the store. */
interface StoredChange {
  readonly from: LimitNumbers;
  readonly to: LimitNumbers;
}

/** Who has the limits. */
export interface NumbersOwner {
  readonly link: StoreLink;
  readonly clock: Clock;
  /** The numbers at present. */
  readonly limits: readonly ResolvedLimit[];
  /** A limit has other numbers, which another process has set. */
  changed(index: number, limit: ResolvedLimit): void;
}

export class FollowedNumbers {
  private readonly owner: NumbersOwner;
  private readonly everyMs: number;
  private readonly configured: readonly ResolvedLimit[];
  /** What could not be told yet. */
  private readonly untold: Map<string, string> = new Map();
  /** How often this process has changed each limit: what was asked before is out of date. */
  private readonly changes: number[];
  private timer: Timer | undefined = undefined;
  private isUsed = false;
  private isClosed = false;

  constructor(owner: NumbersOwner, everyMs: number) {
    this.owner = owner;
    this.everyMs = everyMs;
    this.configured = owner.limits;
    this.changes = owner.limits.map(() => 0);
  }

  /** The store was asked: the numbers matter. The first look is at once. */
  used(): void {
    this.isUsed = true;
    if (this.timer === undefined && !this.isClosed) this.look();
  }

  /** Tells the others. Where that fails it is tried again with the next look. */
  async tell(index: number, to: ResolvedLimit): Promise<void> {
    const change: StoredChange = { from: numbersOf(this.configured[index]!), to: numbersOf(to) };
    const text = JSON.stringify(change);
    this.untold.set(to.name, text);
    this.changes[index]!++;
    await this.owner.link.ask((store) => store.tellNumbers(to.name, text));
    if (this.untold.get(to.name) === text) this.untold.delete(to.name);
  }

  close(): void {
    this.isClosed = true;
    this.timer?.cancel();
  }

  private look(): void {
    const next = (): void => {
      this.timer = undefined;
      if (this.isUsed) this.look();
    };
    this.timer = this.owner.clock.setTimer(this.everyMs, next, true);
    this.isUsed = false;
    // Where the store does not answer the numbers stay; that it doesn't the next decision finds out.
    this.follow().catch(() => undefined);
  }

  private async follow(): Promise<void> {
    const { link, limits } = this.owner;
    const before = [...this.changes];
    const texts = await link.askAside(async (store) => {
      for (const [name, text] of this.untold) {
        await store.tellNumbers(name, text);
        if (this.untold.get(name) === text) this.untold.delete(name);
      }
      return Promise.all(limits.map(({ name }) => store.numbers(name)));
    });
    for (const [index, text] of texts.entries()) {
      const isLate = before[index] !== this.changes[index];
      const limit = text === undefined || isLate ? undefined : this.changedBy(text, index);
      if (limit !== undefined && !isSame(limit, this.owner.limits[index]!)) this.owner.changed(index, limit);
    }
  }

  /** The limit as a change wants it; undefined where it is none of ours. */
  private changedBy(text: string, index: number): ResolvedLimit | undefined {
    const configured = this.configured[index]!;
    try {
      const { from, to } = JSON.parse(text) as StoredChange;
      return isSame(from, configured) ? changedLimit(configured, to) : undefined;
    } catch {
      // What can't be read or meant was not told by a limiter.
      return undefined;
    }
  }
}

function numbersOf({ limit, periodMs, burst, algorithm }: ResolvedLimit): LimitNumbers {
  return { limit, periodMs, ...(algorithm.hasBurst ? { burst } : {}) };
}

function isSame(one: LimitNumbers, other: LimitNumbers): boolean {
  const isSameBurst = one.burst === other.burst || one.burst === undefined || other.burst === undefined;
  return one.limit === other.limit && one.periodMs === other.periodMs && isSameBurst;
}
