/** What a shared limiter does while its store is away. */
import { decisionApart, type RateLimitDecision } from '../decision.ts';
import type { LimiterKey } from '../keys/limiter-key.ts';
import { rateLimiter } from '../local-limiter.ts';
import type { RateLimiter } from '../rate-limiter.ts';
import type { RefusedReservation, ReserveOptions } from '../reservation.ts';
import type { Clock } from '../../clock/clock.ts';
import type { LimitStoreError } from './errors.ts';
import type { ResolvedSharedOptions } from './options.ts';
import type { Questions } from './questions.ts';
import { shareOf } from './share.ts';
import type { SharedAcquireOptions, SharedReservation, SharedWaitOptions } from './shared-rate-limiter.ts';
import { LocalReservation } from './shared-reservation.ts';

export class WithoutStore {
  private readonly options: ResolvedSharedOptions;
  private readonly questions: Questions;
  private readonly clock: Clock;
  private ownShare: RateLimiter | undefined = undefined;
  /** A limiter that lets everything through. */
  private openLimiter: RateLimiter | undefined = undefined;
  /** The decisions of the share by those that were given out for them. */
  private readonly decisions: WeakMap<RateLimitDecision, RateLimitDecision> = new WeakMap();

  constructor(options: ResolvedSharedOptions, questions: Questions, clock: Clock) {
    this.options = options;
    this.questions = questions;
    this.clock = clock;
  }

  /** How many wait for this process's share. */
  get waiting(): number {
    return this.ownShare?.statistics.waiting ?? 0;
  }

  /** Whether this process decides by itself. */
  get isLocal(): boolean {
    return this.options.onStoreError === 'local';
  }

  /** This process's share of the limits, as a limiter of its own. */
  get share(): RateLimiter {
    const { instances, maxQueue, maxReservations, allow, deny, name } = this.options;
    return (this.ownShare ??= rateLimiter({
      limits: this.questions.limits.map((limit) => shareOf(limit, instances)),
      maxQueue,
      maxReservations,
      allow,
      deny,
      name,
      clock: this.clock,
    }));
  }

  /** The limits have other numbers: what was taken of the old shares is forgotten. */
  renew(): void {
    this.ownShare = undefined;
  }

  /** @throws LimitStoreError when that is what is wanted. */
  decide(
    error: LimitStoreError,
    key: LimiterKey | undefined,
    options: SharedAcquireOptions | undefined,
    commit: boolean,
  ): RateLimitDecision {
    if (!this.isLocal) return this.decisionApart(error);
    return this.degraded(commit ? this.share.tryAcquire(key, options) : this.share.check(key, options));
  }

  async acquire(
    error: LimitStoreError,
    key: LimiterKey | undefined,
    options: SharedWaitOptions,
  ): Promise<RateLimitDecision> {
    if (this.isLocal) return this.degraded(await this.share.acquire(key, options));
    // To wait for a store is not to wait for a turn: nobody knows when that would be.
    if (this.options.onStoreError === 'closed') throw error;
    return this.decisionApart(error);
  }

  reserve(
    error: LimitStoreError,
    key: LimiterKey | undefined,
    options: ReserveOptions | undefined,
  ): SharedReservation | RefusedReservation {
    const { onStoreError, pingMs } = this.options;
    if (onStoreError === 'throw') throw error;
    if (onStoreError === 'closed')
      return { reserved: false, limitName: 'store', retryAfterMs: pingMs, oversize: false };
    if (onStoreError === 'open') return this.free(key, options, true);
    const made = this.share.reserve(key, options);
    return made.reserved ? new LocalReservation(made, true) : made;
  }

  /** A reservation that takes nothing. */
  free(key: LimiterKey | undefined, options: ReserveOptions | undefined, degraded: boolean): SharedReservation {
    this.openLimiter ??= rateLimiter({
      limits: this.questions.limits.map((limit) => shareOf(limit, 1)),
      allow: () => true,
      clock: this.clock,
    });
    const made = this.openLimiter.reserve(key, options);
    if (!made.reserved) throw new TypeError('what is always allowed was refused');
    return new LocalReservation(made, degraded);
  }

  /** Settles a decision of the share; undefined when it was none of its. */
  settle(decision: RateLimitDecision, actual: Parameters<RateLimiter['settle']>[1]): boolean | undefined {
    const own = this.decisions.get(decision);
    return own === undefined ? undefined : this.share.settle(own, actual);
  }

  private degraded(own: RateLimitDecision): RateLimitDecision {
    const decision = { ...own, degraded: true };
    this.decisions.set(decision, own);
    return decision;
  }

  private decisionApart(error: LimitStoreError): RateLimitDecision {
    const { onStoreError, pingMs } = this.options;
    if (onStoreError === 'throw') throw error;
    const isOpen = onStoreError === 'open';
    return { ...decisionApart('store', isOpen, isOpen ? 0 : pingMs), degraded: true };
  }
}
