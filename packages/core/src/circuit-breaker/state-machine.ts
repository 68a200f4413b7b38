/**
 * The state machine of a breaker: which state leads to which, and what goes with it. The states and their data stand in
 * states.ts and half-open.ts; `become`, at the end, is the one function that changes the state, and tells it.
 *
 * ```text
 *               the trip rule                       break over, or healthy
 *    closed ───────────────────────▶ open ───────────────────────────────▶ half-open
 *       ▲                              ▲     too many probes fail or are lost   │ │
 *       │                              └─────────────────────────────────────────┘ │
 *       └──────────────────────────────────── enough probes succeed ───────────────┘
 *
 *    any ── isolate() ──▶ isolated ── the last holder releases ──▶ closed          any ── reset() ──▶ closed
 *    any but isolated ── forceOpen() ──▶ open                                      any ── hydrate() ─▶ any
 *    any but isolated ── forceHalfOpen() ──▶ half-open
 * ```
 *
 * No timer belongs to a state: a break that is over and a lease that has ended are noticed by whoever comes next.
 */
import { EventChannel } from '../events/channel.ts';
import { PolicyBase } from '../policy/policy-base.ts';
import type { Call } from '../policy/policy.ts';
import { chooseBreakMs } from './break-duration.ts';
import { type CircuitBreakerEvents, type CircuitTransition, eventOnEntering } from './events.ts';
import { HalfOpen, leastCount, type Lease, type ProbeRules } from './half-open.ts';
import { type HealthCheck, HealthChecks } from './health-probe.ts';
import {
  circuitBreakerDefaults,
  type CircuitBreakerOptions,
  resolveBreakerOptions,
  type ResolvedBreakerOptions,
  tripRuleOf,
} from './options.ts';
import type { BreakerState, Open } from './states.ts';
import type { TripRule, TripWindow } from './trip-rule.ts';

/** Why the state changes: a reason in a word or two, and the failure and the call that brought it about. */
export interface Cause {
  readonly reason: string;
  readonly error?: unknown;
  readonly call?: Call | undefined;
}

const DEFAULT_BREAK_MS = circuitBreakerDefaults.breakMs as number;
/** How many transitions a breaker remembers. */
const MAX_HISTORY = 100;

export abstract class StateMachine extends PolicyBase {
  readonly kind = 'circuit-breaker';
  readonly events: EventChannel<CircuitBreakerEvents> = new EventChannel();
  readonly options: ResolvedBreakerOptions;
  protected readonly rule: TripRule;
  protected readonly window: TripWindow;
  protected readonly probeRules: ProbeRules;
  protected readonly health: HealthChecks | undefined;
  protected current: BreakerState;
  /** How many times it has been half-open since it was last closed. */
  protected halfOpenAttempts = 0;
  protected lastFailure: unknown = undefined;
  /** By the wall clock. */
  protected lastOpenedAt: number | undefined = undefined;
  protected readonly transitions: CircuitTransition[] = [];

  constructor(given: CircuitBreakerOptions) {
    const options = resolveBreakerOptions(given);
    super('circuit-breaker', options);
    const { probes, successRatio, probeLeaseMs, healthProbe } = options;
    this.options = options;
    this.rule = tripRuleOf(options);
    this.window = this.rule.createWindow();
    this.probeRules = { probes, needed: leastCount(successRatio, probes), leaseMs: probeLeaseMs };
    this.current = { kind: 'closed', since: this.clock.now(), ramping: false };
    this.health = healthProbe === undefined ? undefined : new HealthChecks(healthProbe, this.name);
  }

  /** Whether there is a pipeline that may make calls; health checks are made for nobody else. */
  protected abstract readonly inUse: boolean;
  /** Told of each state as it begins, before anybody else is. */
  protected abstract onArrival(state: BreakerState): void;

  // --- what leads from state to state ---

  /** closed → open: the trip rule says so. half-open → open: see below. Any but isolated → open: by command. */
  protected open(since: number, cause: Cause): void {
    const { current } = this;
    const breakMs = this.chooseBreakMs(since, cause);
    // Who was asked for it may have changed the state.
    if (this.current !== current) return;
    this.become({ kind: 'open', since, breakMs, reopensAt: since + breakMs }, cause);
  }

  /** open → half-open: the break is over, or the upstream healthy. Any but isolated → half-open: by command. */
  protected halfOpen(cause: Cause): void {
    this.become(new HalfOpen(this.clock.now(), this.probeRules), cause);
  }

  /** open → half-open, or a longer break. */
  private healthChecked(state: Open, { healthy, error, durationMs }: HealthCheck): void {
    if (!healthy) state.reopensAt = Math.max(state.reopensAt, this.clock.now() + state.breakMs);
    const outcome = healthy ? 'success' : 'failure';
    this.tell('circuit-health-checked', undefined, { outcome, durationMs, error });
    // Who was told may have changed the state.
    if (healthy && this.current === state) this.halfOpen({ reason: 'healthy' });
  }

  /** half-open → closed, once enough probes have succeeded. */
  protected probeSucceeded(state: HalfOpen, lease: Lease, call: Call): void {
    if (state.succeed(lease)) this.close({ reason: 'probes succeeded', call }, true);
  }

  /** half-open → open, once too many probes have failed. */
  protected probeFailed(state: HalfOpen, lease: Lease, at: number, cause: Cause): void {
    if (state.fail(lease)) this.open(at, cause);
  }

  /** The same for probes that are lost. The break begins when the lease ended, whenever that is noticed. */
  protected loseExpiredProbes(now: number): void {
    const state = this.current;
    if (state.kind !== 'half-open') return;
    for (const lease of state.expired(now)) {
      if (this.current === state) this.probeFailed(state, lease, lease.expiresAt, { reason: 'probe lost' });
    }
  }

  /**
   * half-open → closed: see above. isolated → closed: the last holder has let go. Any → closed: by command.
   *
   * @param gently Whether only a share of the calls is let through at first, where the options say so.
   */
  protected close(cause: Cause, gently: boolean): void {
    const ramping = gently && this.options.rampMs > 0;
    this.become({ kind: 'closed', since: this.clock.now(), ramping }, cause);
  }

  /** The only place where one state follows another; tells it. */
  protected become(next: BreakerState, cause: Cause, arrive: () => void = () => this.arrive(next)): void {
    const from = this.current.kind;
    this.current = next;
    arrive();
    this.onArrival(next);
    this.remember({ from, to: next.kind, reason: cause.reason, timestamp: this.clock.wallTime() });
    const { call, ...facts } = cause;
    const more = next.kind === 'open' ? { breakMs: next.breakMs } : {};
    this.tell(eventOnEntering[next.kind], call, { from, to: next.kind, ...facts, ...more });
    // Who was told may have led on to another state.
    if (this.current !== next) return;
    this.health?.stop();
    if (next.kind === 'open' && this.inUse) this.checkHealth(next);
  }

  /** What a state brings with it, where it is not taken over from elsewhere. */
  private arrive(state: BreakerState): void {
    if (state.kind === 'half-open') this.halfOpenAttempts++;
    else if (state.kind === 'open') this.lastOpenedAt = this.clock.wallTime() - (this.clock.now() - state.since);
    else if (state.kind === 'closed') {
      this.halfOpenAttempts = 0;
      this.window.clear();
    }
  }

  // --- what it needs for that ---

  protected checkHealth(state: Open): void {
    this.health?.start(this.clock, (check) => this.healthChecked(state, check));
  }

  private remember(transition: CircuitTransition): void {
    this.transitions.push(transition);
    if (this.transitions.length > MAX_HISTORY) this.transitions.shift();
  }

  private chooseBreakMs(at: number, { error, call }: Cause): number {
    const { count, ratio } = this.failuresFor(at, call);
    const { halfOpenAttempts } = this;
    const facts = { failureRatio: ratio, failureCount: count, halfOpenAttempts, error };
    const onError = (thrown: unknown): void => this.hookFailed('breakMs', thrown, call);
    return chooseBreakMs(this.options, facts, this.random, DEFAULT_BREAK_MS, onError);
  }

  /** What a break is chosen by. A rule of the user's that can't say it keeps no breaker from opening. */
  private failuresFor(at: number, call: Call | undefined): { readonly count: number; readonly ratio: number } {
    if (this.current.kind === 'half-open') return this.current.failures;
    try {
      return this.failuresAt(at);
    } catch (error) {
      this.hookFailed('trip', error, call);
      return { count: 0, ratio: 0 };
    }
  }

  /** A breaker also opens when nobody calls: a lost probe is noticed by who looks at it. */
  private hookFailed(hook: string, error: unknown, call: Call | undefined): void {
    if (call === undefined) this.tell('hook-failed', undefined, { hook, error, outcome: 'failure' });
    else call.hookFailed(this.name, hook, error);
  }

  protected failuresAt(now: number): { readonly count: number; readonly ratio: number } {
    const [count, throughput] = [this.window.failures(now), this.window.throughput(now)];
    return { count, ratio: throughput === 0 ? 0 : count / throughput };
  }

  private tell(type: string, call: Call | undefined, details: object): void {
    if (!this.events.wants(type)) return;
    const [timestamp, policy] = [this.clock.wallTime(), this.name];
    const about = { pipeline: call?.pipeline, policy, key: call?.key, attempt: call?.lastAttempt };
    this.events.emit({ type, ...about, timestamp, ...details });
  }
}
