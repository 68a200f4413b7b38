import type { Clock } from '../clock/clock.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import type { RateLimitDecision } from './decision.ts';
import type { RateLimitReason } from './errors.ts';
import type { LimitRefusedEvent, LimitStoreEvent, RateLimiterEvents } from './events.ts';
import { type LimiterKey, wholeKey } from './keys/limiter-key.ts';
import type { ResolvedLimit } from './limit-options.ts';
import type { WaitEnding } from './queue/admission-queue.ts';
import { LimiterCounts } from './statistics.ts';

/** Why a request was refused by what is no limit. */
const REASONS: Readonly<Record<string, RateLimitReason>> = { ban: 'denied', 'deny-list': 'denied', store: 'store' };

/** What happens in a limiter, counted and told to those who listen. */
export class LimiterRecord {
  readonly events: OwnerChannel<RateLimiterEvents>;
  readonly counts: LimiterCounts = new LimiterCounts();

  constructor(name: string, clock: () => Clock) {
    this.events = new OwnerChannel(name, clock);
  }

  /** A request was decided about at once, and was refused, or would have been. */
  refusedAtOnce(key: LimiterKey | undefined, decision: RateLimitDecision): void {
    this.counts.countDecision(decision);
    if (!this.events.wants('limit-refused')) return;
    const { limitName, retryAfterMs, shadow } = decision;
    const reason = REASONS[limitName] ?? 'limit';
    this.tell('limit-refused', key, { limitName, reason, retryAfterMs, waitedMs: 0, shadow });
  }

  refused(key: LimiterKey | undefined, event: LimitRefusedEvent): void {
    if (event.shadow) this.counts.shadowRefused++;
    else this.counts.countRefusal(event.limitName);
    this.tell('limit-refused', key, event);
  }

  queued(key: LimiterKey | undefined, predictedWaitMs: number, waiting: number): void {
    this.counts.queued++;
    if (this.events.wants('limit-queued')) this.tell('limit-queued', key, { predictedWaitMs, waiting });
  }

  waitEnded(key: LimiterKey | undefined, ending: WaitEnding, waitedMs: number): void {
    this.counts.waitEnded(ending, waitedMs);
    if (ending === 'admitted' && this.events.wants('limit-admitted')) this.tell('limit-admitted', key, { waitedMs });
  }

  held(key: LimiterKey | undefined, cause: 'ban' | 'pause', durationMs: number): void {
    this.tell('limit-held', key, { cause, durationMs });
  }

  updated({ name, limit, periodMs, burst }: ResolvedLimit, previousLimit: number): void {
    this.counts.updates++;
    this.tell('limit-updated', undefined, { limitName: name, limit, periodMs, burst, previousLimit });
  }

  settled(key: LimiterKey | undefined, limitName: string, estimated: number, actual: number): void {
    this.counts.overshoot += Math.max(0, actual - estimated);
    this.tell('limit-settled', key, { limitName, estimated, actual });
  }

  evicted(evictedKey: string): void {
    this.counts.evictedKeys++;
    this.tell('limit-evicted', undefined, { evictedKey });
  }

  storeChanged(event: LimitStoreEvent): void {
    this.tell('limit-store', undefined, event);
  }

  private tell<Type extends keyof RateLimiterEvents>(
    type: Type,
    key: LimiterKey | undefined,
    details: RateLimiterEvents[Type],
  ): void {
    if (this.events.wants(type)) this.events.tell(type, details, wholeKey(key));
  }
}
