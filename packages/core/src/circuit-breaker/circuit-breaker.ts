import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { type RecentTime, recentTimeOf } from '../clock/recent-time.ts';
import { withoutStack } from '../errors/rejection.ts';
import type { EventChannel } from '../events/channel.ts';
import { type Failure, failure, type Outcome, refusal } from '../policy/outcome.ts';
import { askHook } from '../policy/policy-base.ts';
import type { Call, HookPolicy } from '../policy/policy.ts';
import { ControlSurface, retryAfterMs } from './control-surface.ts';
import { CircuitIsolatedError, CircuitOpenError } from './errors.ts';
import type { CircuitBreakerEvents, CircuitState, CircuitTransition } from './events.ts';
import type { CircuitBreakerOptions } from './options.ts';
import { nextRampStepMs, rampShare } from './ramp.ts';
import type { CircuitSnapshot } from './snapshot.ts';
import { Admission, type BreakerState, type Isolated } from './states.ts';

/** A circuit breaker; see {@link circuitBreaker}. */
export interface CircuitBreaker extends HookPolicy<CircuitBreakerEvents, never> {
  readonly kind: 'circuit-breaker';
  readonly name: string;
  readonly events: EventChannel<CircuitBreakerEvents>;
  readonly state: CircuitState;
  /** How long it has been in its state, in milliseconds. */
  readonly timeInStateMs: number;
  /** How long until a call is let through again, in milliseconds: 0 when closed, Infinity when isolated. */
  readonly retryAfterMs: number;
  /** When it opened last, by the wall clock, in milliseconds since 1970; undefined when it never has. */
  readonly openedAt: number | undefined;
  /** The last error that counted as a failure. */
  readonly lastError: unknown;
  /** The ratio of failures among the calls that count at present, 0 to 1. */
  readonly failureRatio: number;
  /** The ratio of slow calls among the calls that count at present, 0 to 1; 0 where no rule asks for it. */
  readonly slowCallRatio: number;
  /** How many calls count at present. */
  readonly throughput: number;
  /** The last 100 transitions, the oldest first. */
  readonly history: readonly CircuitTransition[];
  /**
   * Refuses all calls until the returned function is called. Isolation counts its holders: it ends when the last of
   * them has released it, and the breaker is closed then.
   */
  isolate(reason?: string): () => void;
  /** Opens the breaker for a break, also when it is open already. False when it is isolated, and stays so. */
  forceOpen(reason?: string): boolean;
  /** Lets the next calls through as probes, whatever is left of a break. False when it is isolated, and stays so. */
  forceHalfOpen(reason?: string): boolean;
  /** Closes the breaker at once and altogether, and forgets what it has counted; ends every isolation. */
  reset(): void;
  /** Its state as data, for {@link CircuitBreaker.hydrate} in another process. */
  toJSON(): CircuitSnapshot;
  /**
   * Goes on from the state of another breaker, or of an earlier life of this one. An open breaker waits what is left of its
   * break. An isolated one has no holder here who could let go: `reset` does. The error of the last failure is not kept.
   *
   * @throws ConfigurationError when that is no such state.
   */
  hydrate(snapshot: CircuitSnapshot): void;
}

/**
 * Stops calls to an upstream that fails, and finds out when it is back.
 *
 * A failure is a call whose function was started and failed, or was timed out from inside or outside. A call that a
 * policy refused or its caller cancelled says nothing. An outcome that began under an earlier state changes nothing.
 * Refused calls fail with a CircuitOpenError that carries `retryAfterMs`, or with a CircuitIsolatedError.
 *
 * @throws ConfigurationError
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  return new CircuitBreakerPolicy(options);
}

/** An open breaker asks for the exact time only when its break ends within so many milliseconds. */
const LONG_TO_GO_MS = 1_000;

/** The way of a call: whether it is let through, and what its outcome says. */
class CircuitBreakerPolicy extends ControlSurface implements CircuitBreaker {
  readonly waits = false;
  /** Whether each call is measured. */
  private readonly measures: boolean;
  /** Whether the trip rule has a share of the calls refused. */
  private readonly sheds: boolean;
  private readonly timed: boolean;
  /** The admission of every call, where they are all alike: closed, to all calls, without measuring them. */
  private common: Admission | undefined;
  private recent: RecentTime;
  private users = 0;

  constructor(given: CircuitBreakerOptions) {
    super(given);
    this.measures = this.rule.slowCallMs !== undefined;
    this.sheds = this.window.rejectionRatio !== undefined;
    this.timed = this.rule.timed;
    this.recent = recentTimeOf(this.clock);
    this.common = undefined;
    this.onArrival(this.current);
  }

  override adopt(clock: Clock, random: Random): void {
    const before = this.clock;
    super.adopt(clock, random);
    if (this.clock !== before) {
      this.recent = recentTimeOf(clock);
      this.beginAgain();
    }
    this.users++;
    if (this.current.kind === 'open' && this.users === 1) this.checkHealth(this.current);
  }

  dismiss(): void {
    this.users--;
    if (this.users === 0) this.health?.stop();
  }

  protected get inUse(): boolean {
    return this.users > 0;
  }

  protected onArrival(state: BreakerState): void {
    const isCommon = state.kind === 'closed' && !state.ramping && !this.sheds && !this.measures;
    this.common = isCommon ? new Admission(state, 0, undefined, 0) : undefined;
  }

  // --- inward ---

  enter(call: Call, at: number): Outcome | undefined {
    const { common } = this;
    if (common === undefined) return this.enterWithCare(call, at);
    call.keep(at, call.attempts === 0 ? common : new Admission(common.state, call.attempts, undefined, 0));
    return undefined;
  }

  private enterWithCare(call: Call, at: number): Outcome | undefined {
    if (this.current.kind === 'open') {
      // While the break has long to go, the recent time says so as well: refusing should cost little.
      const leftMs = this.current.reopensAt - this.recent.now();
      // That time is a little late, but nobody has to wait longer than the whole break.
      if (leftMs > LONG_TO_GO_MS) return this.refuse(call, Math.min(leftMs, this.current.breakMs));
    }
    const now = this.clock.now();
    this.moveOn(call, now);
    // Whoever was told of a transition may have made another.
    const state = this.current;
    if (state.kind === 'isolated') return this.refuseIsolated(call, state);
    if (!this.admits(call, state, now)) return this.refuse(call, this.nextChanceMs(state, now));
    const lease = state.kind === 'half-open' ? state.admit(now) : undefined;
    call.keep(at, new Admission(state, call.attempts, lease, now));
    return undefined;
  }

  /** Makes the transitions that time has brought and nobody has noticed. */
  private moveOn(call: Call, now: number): void {
    this.loseExpiredProbes(now);
    const state = this.current;
    if (state.kind === 'open' && state.reopensAt <= now) this.halfOpen({ reason: 'break over', call });
    if (state.kind !== 'closed') return;
    if (state.ramping && now - state.since >= this.options.rampMs) {
      state.ramping = false;
      this.onArrival(state);
    }
    if (this.sheds && this.shedRatio(call, now) >= 1)
      this.open(now, { reason: 'failures', error: this.lastError, call });
  }

  private admits(call: Call, state: BreakerState, now: number): boolean {
    if (state.kind === 'half-open') return state.hasRoom;
    if (state.kind !== 'closed') return false;
    const ramp = state.ramping ? rampShare(now - state.since, this.options.rampMs) : 1;
    const share = this.sheds ? Math.min(ramp, 1 - this.shedRatio(call, now)) : ramp;
    return share >= 1 || this.random.next() < share;
  }

  /** Which ratio of the calls the trip rule has refused; none where it fails or says no number. */
  private shedRatio(call: Call, now: number): number {
    try {
      const shed = this.window.rejectionRatio!(now);
      return shed > 0 ? shed : 0;
    } catch (error) {
      call.hookFailed(this.name, 'trip', error);
      return 0;
    }
  }

  /** How long until more calls are let through; nobody knows where the trip rule decides. */
  private nextChanceMs(state: BreakerState, now: number): number | undefined {
    if (state.kind !== 'closed') return retryAfterMs(state, now);
    return state.ramping ? nextRampStepMs(now - state.since, this.options.rampMs) : undefined;
  }

  private refuse(call: Call, afterMs: number | undefined): Failure {
    if (call.wants('circuit-rejected'))
      call.emit(this.name, 'circuit-rejected', { code: 'CIRCUIT_OPEN', retryAfterMs: afterMs, outcome: 'refused' });
    return afterMs === undefined ? refusal(this.drawnError) : refusal(this.openError, afterMs);
  }

  private refuseIsolated(call: Call, { holders }: Isolated): Failure {
    if (call.wants('circuit-rejected'))
      call.emit(this.name, 'circuit-rejected', { code: 'CIRCUIT_ISOLATED', outcome: 'refused' });
    return failure(withoutStack(() => new CircuitIsolatedError(this.name, [...holders.values()])));
  }

  private readonly openError = (afterMs: number): Error => withoutStack(() => new CircuitOpenError(this.name, afterMs));

  private readonly drawnError = (): Error => withoutStack(() => new CircuitOpenError(this.name));

  // --- outward ---

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    const admission = call.kept(at) as Admission;
    // A probe that comes back after its lease has lost its place, also when nobody has asked since.
    if (admission.lease !== undefined) this.loseExpiredProbes(this.clock.now());
    if (call.attempts === admission.attempts) giveBack(admission);
    else this.learn(call, admission, outcome);
    return outcome;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    if (byCaller) giveBack(call.kept(at) as Admission);
    else this.leave(call, at, outcome);
  }

  /** The function was started. What began under an earlier state than the present one says nothing any more. */
  private learn(call: Call, admission: Admission, outcome: Outcome): void {
    const failed = this.isFailure(call, outcome);
    const { state } = admission;
    if (state !== this.current) return;
    if (failed) this.lastFailure = outcome.ok ? outcome.value : outcome.error;
    const error = failed ? this.lastFailure : undefined;
    const durationMs = this.measures ? this.clock.now() - admission.at : 0;
    if (state.kind !== 'half-open') return this.count(call, failed, durationMs, error);
    const slow = durationMs >= (this.rule.slowCallMs ?? Infinity);
    if (!failed && !slow) return this.probeSucceeded(state, admission.lease!, call);
    const reason = failed ? 'probe failed' : 'slow probe';
    this.probeFailed(state, admission.lease!, this.clock.now(), { reason, error, call });
  }

  private count(call: Call, failed: boolean, durationMs: number, error: unknown): void {
    let reason: string | undefined;
    try {
      // The recent time is good enough for the right sub-window; the state begins at the exact one.
      reason = this.window.record(failed, durationMs, this.timed ? this.recent.now() : 0);
    } catch (thrown) {
      call.hookFailed(this.name, 'trip', thrown);
    }
    if (reason !== undefined) this.open(this.clock.now(), { reason, error, call });
  }

  private isFailure(call: Call, outcome: Outcome): boolean {
    const { failureIf, failureResultIf } = this.options;
    if (outcome.ok) {
      if (failureResultIf === undefined) return false;
      return askHook(failureResultIf, [outcome.value], false, (error) =>
        call.hookFailed(this.name, 'failureResultIf', error),
      );
    }
    if (failureIf === undefined) return true;
    return askHook(failureIf, [outcome.error], true, (error) => call.hookFailed(this.name, 'failureIf', error));
  }
}

/** A probe that says nothing about the upstream gives its place to another. */
function giveBack({ state, lease }: Admission): void {
  if (state.kind === 'half-open') state.release(lease!);
}
