import { TimeoutEntry, type TimeoutLane } from '../clock/timeout-queue.ts';
import { LeveledNode } from '../structures/level-queue.ts';
import type { RateLimitDecision } from './decision.ts';
import type { RateLimitReason } from './errors.ts';

/** A request that waits for its turn. What becomes of it is told once: admitted, or refused when its time is up. */
export abstract class Waiter extends LeveledNode {
  readonly key: string | undefined;
  readonly cost: number;
  /** @internal Its place in the order of arrival, over all levels. */
  sequence = 0;
  /** @internal When it began to wait. */
  queuedAt = 0;
  /** @internal Ends its wait, where that has a bound. */
  expiry: WaitExpiry | undefined = undefined;

  constructor(key: string | undefined, cost: number, level: number) {
    super(level);
    this.key = key;
    this.cost = cost;
  }

  /** Its cost has been taken. Must not throw. */
  abstract admitted(decision: RateLimitDecision, waitedMs: number): void;
  /** It has left the queue without. Must not throw. */
  abstract refused(reason: RateLimitReason, retryAfterMs: number, waitedMs: number): void;
}

/** The bound of a wait: more urgent newcomers may have made a wait longer than it was going to be. */
export class WaitExpiry extends TimeoutEntry {
  readonly #lane: TimeoutLane;
  readonly #expire: () => void;

  constructor(lane: TimeoutLane, expire: () => void) {
    super();
    this.#lane = lane;
    this.#expire = expire;
    lane.add(this);
  }

  cancel(): void {
    this.#lane.remove(this);
  }

  override onTimeout(): void {
    this.#expire();
  }
}
