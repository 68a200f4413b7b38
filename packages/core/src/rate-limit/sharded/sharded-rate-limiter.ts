import type { RateLimitDecision } from '../decision.ts';
import type { LimiterKey } from '../keys/limiter-key.ts';
import type { SharedRateLimiter } from '../shared/shared-rate-limiter.ts';

/** What is asked of a sharded limiter. */
export interface ShardedAcquireOptions {
  /** What the request costs: a whole number of at least 0; default 1. */
  readonly cost?: number | undefined;
}

/** What is asked of it by somebody who waits. */
export interface ShardedWaitOptions extends ShardedAcquireOptions {
  /** Ends the wait at once when aborted; the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait at most, in milliseconds: 0 or more; default Infinity. */
  readonly maxWaitMs?: number | undefined;
}

/** How evenly the shards are used by this process. */
export interface BalanceReport {
  readonly shards: readonly {
    /** What it allows in a period. */
    readonly limit: number;
    /** What it has let through, as the sum of costs. */
    readonly admittedCost: number;
    /** The ratio of that to what all have let through; 0 before anything was. */
    readonly ratio: number;
    /** How often it was asked. */
    readonly asked: number;
    readonly storeState: SharedRateLimiter['storeState'];
  }[];
  /** The share of the busiest shard as a multiple of an even share: 1 is perfectly even; 0 before anything was let through. */
  readonly imbalance: number;
  /** Requests that the first choice refused and the second let through. */
  readonly secondChoices: number;
  /** Requests that were put together from several shards. */
  readonly combined: number;
  readonly admitted: number;
  readonly refused: number;
}

/** A limit in several parts. See `shardedRateLimiter`. */
export interface ShardedRateLimiter {
  /** The parts, with statistics and events of their own. */
  readonly shards: readonly SharedRateLimiter[];
  /** Takes the cost if it fits now, from one shard or several. */
  tryAcquire(key?: LimiterKey, options?: ShardedAcquireOptions): Promise<RateLimitDecision>;
  /**
   * Waits for the cost: in the shard that comes first as far as is known, or in all where it is above what one ever lets
   * through. Rejects at once with a RateLimitError when that takes longer than `maxWaitMs`.
   */
  acquire(key?: LimiterKey, options?: ShardedWaitOptions): Promise<RateLimitDecision>;
  /** Refuses `key` for `durationMs` milliseconds, in all shards. */
  ban(key: LimiterKey | undefined, durationMs: number): Promise<void>;
  /** Forgets what `key` has taken, and its ban. */
  reset(key?: LimiterKey): Promise<void>;
  balance(): BalanceReport;
  close(): Promise<void>;
}
