/**
 * An upstream that is overloaded still pays for each call that it refuses, and may spend itself on refusing. So a client
 * that sees much of what it asks for refused should ask for less. Over the last two minutes it counts how often it was
 * called (`requests`) and how many of those calls the upstream accepted (`accepts`), and refuses a new one by itself with
 * the probability
 *
 *     max(0, (requests − K · accepts) / (requests + 1))
 *
 * Calls that it refuses itself are requests that were not accepted, so the probability rises as long as callers press
 * on; some calls always go through, and as the upstream accepts them it falls again. With K = 2 the upstream is still
 * asked for about twice what it accepts, which is how its recovery is noticed. After a long and total outage hardly any
 * call goes through, and the way back takes some windows; a largest probability below 1 shortens it.
 *
 * A call that goes through counts when its outcome is known: one that is under way is neither accepted nor refused yet.
 *
 * Source: "Handling Overload" in Site Reliability Engineering (Beyer, Jones, Petoff, Murphy, 2016).
 */
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { type RecentTime, recentTimeOf } from '../clock/recent-time.ts';
import { withoutStack } from '../errors/rejection.ts';
import { isOverload } from '../gates/overload.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { type Failure, type Outcome, refusal } from '../policy/outcome.ts';
import { askHook, PolicyBase } from '../policy/policy-base.ts';
import type { Call, HookPolicy } from '../policy/policy.ts';
import { SlidingCounts } from '../structures/sliding-counts.ts';
import { ClientThrottledError } from './errors.ts';
import { clientThrottlingDefaults, type ClientThrottlingOptions, clientThrottlingRules } from './options.ts';

/** A call was refused on behalf of the upstream. */
export interface ClientThrottledEvent {
  /** With which probability calls are refused at present, 0 to 1. */
  readonly rejectionRatio: number;
  /** How many calls count at present, this one not yet included. */
  readonly requests: number;
  /** How many of them the upstream has accepted. */
  readonly accepts: number;
  readonly outcome: 'refused';
}

/** The events of client throttling. */
export interface ClientThrottlingEvents {
  'client-throttled': ClientThrottledEvent;
}

/** Client throttling; see {@link clientThrottling}. */
export interface ClientThrottling extends HookPolicy<ClientThrottlingEvents, never> {
  readonly kind: 'client-throttling';
  readonly name: string;
  /** How many calls count at present, those refused here included. */
  readonly requests: number;
  /** How many of them the upstream has accepted. */
  readonly accepts: number;
  /** With which probability the next call is refused, 0 to 1. */
  readonly rejectionRatio: number;
}

/**
 * Refuses calls by itself, with a ClientThrottledError, the more of them the less the upstream accepts.
 *
 * @throws ConfigurationError
 */
export function clientThrottling(options: ClientThrottlingOptions = {}): ClientThrottling {
  return new ClientThrottlingPolicy(options);
}

const SUB_WINDOWS = 40;

class ClientThrottlingPolicy extends PolicyBase implements ClientThrottling {
  readonly kind = 'client-throttling';
  readonly waits = false;
  readonly options: Resolved<ClientThrottlingOptions, typeof clientThrottlingDefaults>;
  private readonly k: number;
  private readonly maxRejectionRatio: number;
  private readonly refusedIf: (error: unknown) => boolean;
  /** Hits are what the upstream has accepted. */
  private readonly counts: SlidingCounts;
  private recent: RecentTime;

  constructor(given: ClientThrottlingOptions) {
    const options = resolveOptions('clientThrottling', given, clientThrottlingDefaults, clientThrottlingRules);
    super('client-throttling', options);
    this.options = options;
    this.k = options.k;
    this.maxRejectionRatio = options.maxRejectionRatio;
    this.refusedIf = options.refusedIf ?? isOverload;
    this.counts = new SlidingCounts(options.windowMs, SUB_WINDOWS);
    this.recent = recentTimeOf(this.clock);
  }

  override adopt(clock: Clock, random: Random): void {
    super.adopt(clock, random);
    this.recent = recentTimeOf(this.clock);
  }

  enter(call: Call, at: number): Outcome | undefined {
    const now = this.recent.now();
    const ratio = this.ratioAt(now);
    if (ratio > 0 && this.random.next() < ratio) return this.refuse(call, now, ratio);
    // How often the function had been started before; what was never kept is 0.
    call.keep(at, call.attempts === 0 ? undefined : call.attempts);
    return undefined;
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    const attempts = (call.kept(at) as number | undefined) ?? 0;
    if (call.attempts === attempts) return outcome;
    if (outcome.ok || !this.isRefusal(call, outcome.error)) this.counts.recordHit(this.recent.now());
    else this.counts.recordMiss(this.recent.now());
    return outcome;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    if (!byCaller) this.leave(call, at, outcome);
  }

  get requests(): number {
    return this.requestsAt(this.clock.now());
  }

  get accepts(): number {
    return this.counts.hits(this.clock.now());
  }

  get rejectionRatio(): number {
    return this.ratioAt(this.clock.now());
  }

  private requestsAt(now: number): number {
    return this.counts.hits(now) + this.counts.misses(now);
  }

  private ratioAt(now: number): number {
    const requests = this.requestsAt(now);
    const ratio = (requests - this.k * this.counts.hits(now)) / (requests + 1);
    return Math.min(Math.max(0, ratio), this.maxRejectionRatio);
  }

  private isRefusal(call: Call, error: unknown): boolean {
    return askHook(this.refusedIf, [error], false, (thrown) => call.hookFailed(this.name, 'refusedIf', thrown));
  }

  private refuse(call: Call, now: number, rejectionRatio: number): Failure {
    if (call.wants('client-throttled')) {
      const details: ClientThrottledEvent = {
        rejectionRatio,
        requests: this.requestsAt(now),
        accepts: this.counts.hits(now),
        outcome: 'refused',
      };
      call.emit(this.name, 'client-throttled', details);
    }
    this.counts.recordMiss(now);
    return refusal(this.throttled, rejectionRatio);
  }

  private readonly throttled = (rejectionRatio: number): Error =>
    withoutStack(() => new ClientThrottledError(this.name, rejectionRatio));
}
