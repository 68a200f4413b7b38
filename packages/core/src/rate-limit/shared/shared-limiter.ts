import type { Clock } from '../../clock/clock.ts';
import { systemClock } from '../../clock/system-clock.ts';
import type { EventSource } from '../../events/event.ts';
import type { Cost } from '../cost.ts';
import type { RateLimitDecision } from '../decision.ts';
import type { RateLimiterEvents } from '../events.ts';
import type { LimiterKey } from '../keys/limiter-key.ts';
import { LimiterRecord } from '../limiter-record.ts';
import type { LimitNumbers } from '../limit-options.ts';
import type { CurrentLimit, ServerResponse } from '../rate-limiter.ts';
import { checkedWaitMs } from '../request.ts';
import type { RefusedReservation, ReserveOptions } from '../reservation.ts';
import { reservationRequest } from '../reservation-desk.ts';
import { Acquisitions, reasonOf, type WaitRequest } from './acquisition.ts';
import { oversize } from './answers.ts';
import { SharedCommands } from './commands.ts';
import { SharedCore } from './core.ts';
import { SharedDecisions } from './decisions.ts';
import { LimitStoreError } from './errors.ts';
import { type ResolvedSharedOptions, resolveSharedOptions, type SharedRateLimiterOptions } from './options.ts';
import { Questions } from './questions.ts';
import { SharedDesk } from './shared-desk.ts';
import type {
  SharedAcquireOptions,
  SharedLimiterStatistics,
  SharedRateLimiter,
  SharedReservation,
  SharedWaitOptions,
} from './shared-rate-limiter.ts';
import type { LimitStoreState } from './store-link.ts';

/**
 * Makes a rate limiter whose counts stand in a store that many processes share.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function sharedRateLimiter(options: SharedRateLimiterOptions): SharedRateLimiter {
  return new SharedLimiter(resolveSharedOptions(options));
}

/** What does the work; made with the first use, when the clock is known. */
interface Departments {
  readonly core: SharedCore;
  readonly desk: SharedDesk;
  readonly decisions: SharedDecisions;
  readonly acquisitions: Acquisitions;
  readonly commands: SharedCommands;
}

class SharedLimiter implements SharedRateLimiter {
  readonly name: string;
  readonly isShared = true;
  private readonly options: ResolvedSharedOptions;
  private readonly questions: Questions;
  private readonly record: LimiterRecord;
  /** Whether leases are all that a request for a plain key can be about. */
  private readonly isSimplyLeased: boolean;
  private ownClock: Clock | undefined;
  private opened: Departments | undefined = undefined;
  private degraded = 0;

  constructor(options: ResolvedSharedOptions) {
    const { limits, leased, allow, deny } = options;
    this.name = options.name;
    this.options = options;
    this.ownClock = options.clock;
    this.questions = new Questions(limits);
    const isPlain = limits.length === 1 && limits[0]!.per === undefined;
    this.isSimplyLeased = leased && isPlain && allow === undefined && deny === undefined;
    this.record = new LimiterRecord(this.name, () => this.inside.core.clock);
  }

  get events(): EventSource<RateLimiterEvents> {
    return this.record.events;
  }

  get boundClock(): Clock | undefined {
    return this.ownClock;
  }

  get limits(): readonly CurrentLimit[] {
    return this.questions.limits.map(({ name, limit, periodMs, burst }) => ({ name, limit, periodMs, burst }));
  }

  get storeState(): LimitStoreState {
    return this.opened?.core.link.state ?? 'up';
  }

  get statistics(): SharedLimiterStatistics {
    const core = this.opened?.core;
    const waiting = (core?.room.size ?? 0) + (core?.without.waiting ?? 0);
    const {
      keys: _keys,
      evictedKeys: _evictedKeys,
      reservations: _reservations,
      ...counts
    } = this.record.counts.snapshot({ waiting, reservations: 0, keys: 0 });
    const { calls: storeCalls = 0, failures: storeFailures = 0 } = core?.link ?? {};
    return { ...counts, storeCalls, storeFailures, degraded: this.degraded, leased: core?.leases?.held ?? 0 };
  }

  adopt(clock: Clock): void {
    this.ownClock ??= clock;
  }

  tryAcquire(key?: LimiterKey, options?: SharedAcquireOptions): Promise<RateLimitDecision> {
    // The usual case of leases: nothing to ask, nothing to wait for.
    if (options === undefined && this.isSimplyLeased && typeof key !== 'object') {
      const decision = this.opened?.core.leases?.takeOne(key);
      if (decision !== undefined) {
        this.record.counts.admitted++;
        return Promise.resolve(decision);
      }
    }
    return this.decideAndCount(key, options);
  }

  async check(key?: LimiterKey, options?: SharedAcquireOptions): Promise<RateLimitDecision> {
    const { decisions } = this.inside;
    return decisions.decide(decisions.requestOf(key, options), options, false);
  }

  async acquire(key?: LimiterKey, options: SharedWaitOptions = {}): Promise<RateLimitDecision> {
    const { core, decisions } = this.inside;
    const { signal } = options;
    const maxWaitMs = checkedWaitMs(options.maxWaitMs);
    const startedAt = core.now();
    const request = { ...decisions.requestOf(key, options), signal, maxWaitMs, startedAt };
    signal?.throwIfAborted();
    if (this.options.shadow) return this.tryAcquire(key, options);
    try {
      return await this.acquireFromStore(request);
    } catch (error) {
      if (!(error instanceof LimitStoreError)) throw error;
      const leftMs = Math.max(0, maxWaitMs - (core.now() - startedAt));
      const decision = await core.without.acquire(error, key, { ...options, maxWaitMs: leftMs });
      this.count(key, decision);
      return decision;
    }
  }

  async reserve(key?: LimiterKey, options?: ReserveOptions): Promise<SharedReservation | RefusedReservation> {
    const { core, decisions, desk } = this.inside;
    const request = reservationRequest(key, options, this.questions.names);
    const verdict = decisions.verdict(key);
    if (verdict?.allowed === true) return core.without.free(key, options, false);
    const made: SharedReservation | RefusedReservation =
      verdict === undefined
        ? await decisions.orWithout<SharedReservation | RefusedReservation>(
            () => desk.reserve(request),
            (error) => core.without.reserve(error, key, options),
          )
        : { reserved: false, limitName: verdict.limitName, retryAfterMs: Infinity, oversize: false };
    if (made.reserved) return made;
    const { limitName, retryAfterMs } = made;
    const { shadow } = this.options;
    const reason = verdict === undefined ? 'wait' : 'denied';
    this.record.refused(key, { limitName, reason, retryAfterMs, waitedMs: 0, shadow });
    return shadow ? core.without.free(key, options, false) : made;
  }

  async settle(decision: RateLimitDecision, actual: Cost): Promise<boolean> {
    return this.inside.decisions.settle(decision, actual);
  }

  async feedback(response: ServerResponse, key?: LimiterKey): Promise<void> {
    await this.inside.commands.feedback(response, key);
  }

  async update(change: Partial<LimitNumbers>, limitName?: string): Promise<void> {
    await this.inside.commands.update(change, limitName);
  }

  async ban(key: LimiterKey | undefined, durationMs: number): Promise<void> {
    await this.inside.commands.ban(key, durationMs);
  }

  async penalise(key: LimiterKey | undefined, cost: Cost): Promise<void> {
    await this.inside.commands.penalise(key, cost);
  }

  async reward(key: LimiterKey | undefined, cost: Cost): Promise<void> {
    await this.inside.commands.reward(key, cost);
  }

  async reset(key?: LimiterKey): Promise<void> {
    await this.inside.commands.reset(key);
  }

  async close(): Promise<void> {
    await this.opened?.core.close();
  }

  /** Times of different clocks don't compare, so the first use binds to one. */
  private get inside(): Departments {
    return (this.opened ??= this.open());
  }

  private open(): Departments {
    this.ownClock ??= systemClock;
    const core = new SharedCore(this.options, this.ownClock, this.record, this.questions);
    const desk = new SharedDesk(core);
    return {
      core,
      desk,
      decisions: new SharedDecisions(core, desk),
      acquisitions: new Acquisitions(core, desk),
      commands: new SharedCommands(core),
    };
  }

  private async decideAndCount(
    key: LimiterKey | undefined,
    options: SharedAcquireOptions | undefined,
  ): Promise<RateLimitDecision> {
    const { decisions } = this.inside;
    const decision = await decisions.decide(decisions.requestOf(key, options), options, true);
    this.count(key, decision);
    return decision;
  }

  private async acquireFromStore(request: WaitRequest): Promise<RateLimitDecision> {
    const { decisions, acquisitions } = this.inside;
    const { key, question, settles, signal, maxWaitMs } = request;
    const early = decisions.verdict(key) ?? oversize(question);
    if (early?.allowed === false)
      throw acquisitions.refuse(request, early.oversize ? 'limit' : 'denied', early.limitName, Infinity, 0);
    const isBehind = settles || acquisitions.blocks(request);
    const decision = early ?? (isBehind ? undefined : await decisions.ask(request, true));
    if (decision?.allowed === true) {
      if (signal?.aborted === true) {
        decisions.giveBack(request);
        throw signal.reason;
      }
      this.count(key, decision);
      return decision;
    }
    if (decision !== undefined && acquisitions.leftMs(request) === 0) {
      const { limitName, retryAfterMs } = decision;
      throw acquisitions.refuse(request, reasonOf(limitName, maxWaitMs), limitName, retryAfterMs, 0);
    }
    const waited = await acquisitions.wait(request);
    if (settles) decisions.bind(request, waited);
    return waited.decision;
  }

  private count(key: LimiterKey | undefined, decision: RateLimitDecision): void {
    if (decision.degraded) this.degraded++;
    if (decision.allowed && !decision.shadow) this.record.counts.admitted++;
    else this.record.refusedAtOnce(key, decision);
  }
}
