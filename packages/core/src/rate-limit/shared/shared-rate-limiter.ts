import type { Clock, MonotonicMs } from '../../clock/clock.ts';
import type { EventSource } from '../../events/event.ts';
import type { Cost } from '../cost.ts';
import type { RateLimitDecision } from '../decision.ts';
import type { RateLimiterEvents } from '../events.ts';
import type { LimiterKey } from '../keys/limiter-key.ts';
import type { LimitNumbers } from '../limit-options.ts';
import type { AcquireOptions, AcquireWaitOptions, CurrentLimit, ServerResponse } from '../rate-limiter.ts';
import type { RefusedReservation, ReservationState, ReserveOptions } from '../reservation.ts';
import type { RateLimiterStatistics } from '../statistics.ts';
import type { LimitStoreState } from './store-link.ts';

/** What is asked of a shared limiter. It shares no key out between clients: who comes first is first. */
export type SharedAcquireOptions = Omit<AcquireOptions, 'client'>;

/** What is asked of it by somebody who waits. */
export type SharedWaitOptions = Omit<AcquireWaitOptions, 'client'>;

/** What a shared limiter has done so far in this process. */
export interface SharedLimiterStatistics extends Omit<RateLimiterStatistics, 'keys' | 'evictedKeys' | 'reservations'> {
  /** How often the store was asked. */
  readonly storeCalls: number;
  /** How often it had no good answer in time. */
  readonly storeFailures: number;
  /** Decisions that were made without the store, because it was away. */
  readonly degraded: number;
  /** How much is held in leases now, over all keys and limits. */
  readonly leased: number;
}

/** A place in time that is paid for, at a store. As `Reservation` is, but for its verbs, which ask the store. */
export interface SharedReservation {
  readonly reserved: true;
  readonly key: LimiterKey | undefined;
  readonly cost: Cost;
  readonly state: ReservationState;
  /** When its holder may go on, by the limiter's clock in this process. */
  readonly executeAt: MonotonicMs;
  /** How long after it was made, or last delayed, that is, in milliseconds. */
  readonly delayMs: number;
  /** Until when it may be given back or settled. */
  readonly expiresAt: MonotonicMs;
  /** True when it was made without the store, because that was away. */
  readonly degraded: boolean;
  /** Gives it back: before its time all of it. False when it was not held any more. */
  cancel(): Promise<boolean>;
  /** Says that it was used. False when it was not held any more. */
  commit(): Promise<boolean>;
  /** Says what it has really cost, and that it was used. False when it was not held any more. */
  settle(actual: Cost): Promise<boolean>;
  /** Moves it to the first free place at least `ms` milliseconds after its time. False when it was not held any more. */
  delayBy(ms: number): Promise<boolean>;
  /** Resolves when its time has come. Rejects with the signal's reason when that is aborted, and gives nothing back then. */
  ready(signal?: AbortSignal): Promise<void>;
}

/**
 * A rate limiter whose counts many processes share. Its verbs are those of a {@link RateLimiter}, as promises; while its
 * store is away they do what `onStoreError` says, and commands to it reject with a LimitStoreError where that is not
 * `local`. No promise waits for the store longer than `storeTimeoutMs`.
 */
export interface SharedRateLimiter {
  readonly name: string;
  readonly isShared: true;
  readonly statistics: SharedLimiterStatistics;
  readonly events: EventSource<RateLimiterEvents>;
  /** Its limits, as this process knows them. */
  readonly limits: readonly CurrentLimit[];
  readonly boundClock: Clock | undefined;
  /** Whether its store answers; `up` before it was asked for the first time. */
  readonly storeState: LimitStoreState;

  /** Takes the cost if it fits now; rejects with a RangeError for what can't be meant. */
  tryAcquire(key?: LimiterKey, options?: SharedAcquireOptions): Promise<RateLimitDecision>;
  /** What {@link SharedRateLimiter.tryAcquire} would say; changes nothing. */
  check(key?: LimiterKey, options?: SharedAcquireOptions): Promise<RateLimitDecision>;
  /**
   * Waits for its turn. Its place in time is taken at once, first come first served among all processes; within this one
   * the more urgent get the earlier places. Rejects as `RateLimiter.acquire` does, and with a LimitStoreError while the
   * store is away and `onStoreError` is `closed` or `throw`.
   */
  acquire(key?: LimiterKey, options?: SharedWaitOptions): Promise<RateLimitDecision>;
  /** Takes a place in time beside all that is reserved, by whichever process. */
  reserve(key?: LimiterKey, options?: ReserveOptions): Promise<SharedReservation | RefusedReservation>;
  /** Says what a request has really cost that was let through with `settles`. False when there is nothing to settle. */
  settle(decision: RateLimitDecision, actual: Cost): Promise<boolean>;
  /** Learns from a response of the server that is being spared: a pause holds back all processes. */
  feedback(response: ServerResponse, key?: LimiterKey): Promise<void>;
  /**
   * Changes the numbers of a limit: at once in this process, in the others within `followMs` of their next use, where they
   * were configured with the same numbers. What was taken before is paid for at the pace of before. While the store is
   * away the others learn of it when it is back.
   */
  update(change: Partial<LimitNumbers>, limitName?: string): Promise<void>;
  /** Refuses `key` for `durationMs` milliseconds, in all processes. */
  ban(key: LimiterKey | undefined, durationMs: number): Promise<void>;
  /** Charges `cost` without letting anything through. */
  penalise(key: LimiterKey | undefined, cost: Cost): Promise<void>;
  /** Takes `cost` off what `key` has taken, down to nothing. */
  reward(key: LimiterKey | undefined, cost: Cost): Promise<void>;
  /** Forgets what `key` has taken, its ban and its pause; what is reserved stays so. */
  reset(key?: LimiterKey): Promise<void>;
  /** Takes this clock where it has none yet; pipelines call it. */
  adopt(clock: Clock): void;
  /** Gives leases back and stops to look after the store. Those who wait go on waiting. */
  close(): Promise<void>;
}
