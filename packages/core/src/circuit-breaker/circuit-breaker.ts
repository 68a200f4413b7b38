import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { type RecentTime, recentTimeOf } from '../clock/recent-time.ts';
import { withoutStack } from '../errors/rejection.ts';
import { EventChannel } from '../events/channel.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { type Failure, failure, type Outcome, refusal } from '../policy/outcome.ts';
import { askHook, PolicyBase } from '../policy/policy-base.ts';
import type { Call, HookPolicy } from '../policy/policy.ts';
import { CircuitIsolatedError, CircuitOpenError } from './errors.ts';
import type { CircuitBreakerEvents, CircuitState } from './events.ts';
import { type BreakFacts, circuitBreakerDefaults, type CircuitBreakerOptions, circuitBreakerRules } from './options.ts';
import {
  Admission,
  type BreakerState,
  closedSince,
  type HalfOpen,
  type Isolated,
  type Lease,
  type Open,
} from './states.ts';
import { sampledRatio, type TripWindow } from './trip-rules.ts';

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
  /** The last error that counted as a failure. */
  readonly lastError: unknown;
  /** The ratio of failures among the calls that count at present, 0 to 1. */
  readonly failureRatio: number;
  /** How many calls count at present. */
  readonly throughput: number;
  /**
   * Refuses all calls until the returned function is called. Isolation counts its holders: it ends when the last of
   * them has released it, and the breaker is closed then.
   */
  isolate(reason?: string): () => void;
  /** Closes the breaker and forgets what it has counted; ends every isolation. */
  reset(): void;
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

class CircuitBreakerPolicy extends PolicyBase implements CircuitBreaker {
  readonly kind = 'circuit-breaker';
  readonly interrupts = false;
  readonly waits = false;
  readonly events: EventChannel<CircuitBreakerEvents> = new EventChannel();
  private readonly options: Resolved<CircuitBreakerOptions, typeof circuitBreakerDefaults>;
  private readonly window: TripWindow;
  private readonly timed: boolean;
  private readonly neededProbes: number;
  private current: BreakerState;
  private recent: RecentTime;
  private halfOpenAttempts = 0;
  private lastFailure: unknown = undefined;

  constructor(given: CircuitBreakerOptions) {
    const options = resolveOptions('circuitBreaker', given, circuitBreakerDefaults, circuitBreakerRules);
    super('circuit-breaker', options);
    const rule = options.trip ?? sampledRatio(options.failureRatio, options.minThroughput, options.samplingMs);
    this.options = options;
    this.window = rule.createWindow();
    this.timed = rule.timed;
    this.neededProbes = leastCount(options.successRatio, options.probes);
    this.current = closedSince(this.clock.now());
    this.recent = recentTimeOf(this.clock);
  }

  override adopt(clock: Clock, random: Random): void {
    const isNew = this.boundClock === undefined;
    super.adopt(clock, random);
    if (!isNew) return;
    const since = clock.now();
    // It may have been isolated before it met its first pipeline.
    this.current = this.current.kind === 'isolated' ? { ...this.current, since } : closedSince(since);
    this.recent = recentTimeOf(clock);
  }

  // --- the way of a call ---

  enter(call: Call, at: number): Outcome | undefined {
    const state = this.current;
    if (state.kind !== 'closed') return this.enterGuarded(call, at);
    call.keep(at, call.attempts === 0 ? state.admission : new Admission(state, call.attempts, undefined));
    return undefined;
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    const admission = call.kept(at) as Admission;
    // A probe that comes back after its lease has lost its place, also when nobody has asked since.
    if (admission.lease !== undefined) this.loseExpiredProbes(this.clock.now());
    if (admission.state !== this.current) return outcome;
    if (call.attempts === admission.attempts) this.release(admission);
    else if (this.isFailure(call, outcome)) this.failed(call, admission, outcome.ok ? outcome.value : outcome.error);
    else this.succeeded(call, admission);
    return outcome;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    if (byCaller) this.release(call.kept(at) as Admission);
    else this.leave(call, at, outcome);
  }

  private enterGuarded(call: Call, at: number): Outcome | undefined {
    const now = this.timeIn(this.current);
    this.loseExpiredProbes(now);
    if (this.current.kind === 'open' && this.current.reopensAt <= now) this.halfOpen(call, now);
    const state = this.current;
    if (state.kind === 'half-open' && this.hasRoom(state)) {
      const lease: Lease = { expiresAt: now + this.options.probeLeaseMs };
      state.leases.add(lease);
      call.keep(at, new Admission(state, call.attempts, lease));
      return undefined;
    }
    return this.refuse(call, state, now);
  }

  /** While a break has long to go, the recent time says so as well; refusing should cost little. */
  private timeIn(state: BreakerState): number {
    const recent = this.recent.now();
    return state.kind === 'open' && state.reopensAt - recent > LONG_TO_GO_MS ? recent : this.clock.now();
  }

  private refuse(call: Call, state: BreakerState, now: number): Failure {
    const retryAfterMs = retryAfter(state, now);
    if (call.wants('circuit-rejected')) {
      const isolated = state.kind === 'isolated';
      call.emit(
        this.name,
        'circuit-rejected',
        isolated
          ? { code: 'CIRCUIT_ISOLATED', outcome: 'refused' }
          : { code: 'CIRCUIT_OPEN', retryAfterMs, outcome: 'refused' },
      );
    }
    return state.kind === 'isolated' ? failure(this.isolatedError(state)) : refusal(this.openError, retryAfterMs);
  }

  private readonly openError = (retryAfterMs: number): Error =>
    withoutStack(() => new CircuitOpenError(this.name, retryAfterMs));

  private isolatedError({ holders }: Isolated): Error {
    return withoutStack(() => new CircuitIsolatedError(this.name, [...holders.values()]));
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

  // --- the state machine ---

  private succeeded(call: Call, { state, lease }: Admission): void {
    // A success needs no more than the right sub-window; a failure is worth reading the clock.
    if (state.kind === 'closed') return this.window.recordSuccess(this.timed ? this.recent.now() : 0);
    if (state.kind !== 'half-open' || !state.leases.delete(lease!)) return;
    state.succeeded++;
    if (state.succeeded >= this.neededProbes) this.close(call, 'probes succeeded');
  }

  private failed(call: Call, { state, lease }: Admission, error: unknown): void {
    this.lastFailure = error;
    if (state.kind === 'closed') {
      const now = this.clock.now();
      if (this.window.recordFailure(now)) this.open(call, now, 'failures', error);
    } else if (state.kind === 'half-open' && state.leases.delete(lease!))
      this.probeFailed(call, state, this.clock.now(), 'probe failed', error);
  }

  private probeFailed(call: Call | undefined, state: HalfOpen, at: number, reason: string, error: unknown): void {
    state.failed++;
    const stillPossible = this.options.probes - state.failed >= this.neededProbes;
    if (!stillPossible) this.open(call, at, reason, error);
  }

  /** A probe that says nothing about the upstream gives its place back. */
  private release({ state, lease }: Admission): void {
    if (state.kind === 'half-open' && lease !== undefined) state.leases.delete(lease);
  }

  /** Whether another probe may go out: no more than `probes` are decided or under way. */
  private hasRoom(state: HalfOpen): boolean {
    return state.leases.size + state.succeeded + state.failed < this.options.probes;
  }

  /** The break that a lost probe causes begins when its lease ended, whenever that is noticed. */
  private loseExpiredProbes(now: number): void {
    const state = this.current;
    if (state.kind !== 'half-open') return;
    for (const lease of state.leases) {
      if (lease.expiresAt > now || this.current !== state) continue;
      state.leases.delete(lease);
      this.probeFailed(undefined, state, lease.expiresAt, 'probe lost', undefined);
    }
  }

  private open(call: Call | undefined, since: number, reason: string, error: unknown): void {
    const breakMs = this.breakMs(call, since, error);
    this.become(call, { kind: 'open', since, reopensAt: since + breakMs }, { reason, error, breakMs });
  }

  private halfOpen(call: Call, now: number): void {
    this.halfOpenAttempts++;
    this.become(
      call,
      { kind: 'half-open', since: now, leases: new Set(), succeeded: 0, failed: 0 },
      { reason: 'break over' },
    );
  }

  private close(call: Call | undefined, reason: string): void {
    this.halfOpenAttempts = 0;
    this.window.clear();
    this.become(call, closedSince(this.clock.now()), { reason });
  }

  /** The only place where the state changes; tells it. */
  private become(
    call: Call | undefined,
    next: BreakerState,
    facts: { readonly reason: string; readonly [fact: string]: unknown },
  ): void {
    const from = this.current.kind;
    this.current = next;
    const type = EVENT_OF[next.kind];
    if (!this.events.wants(type)) return;
    const envelope = {
      type,
      pipeline: call?.pipeline,
      policy: this.name,
      key: call?.key,
      attempt: call?.attempts,
      timestamp: this.clock.wallTime(),
    };
    this.events.emit({ ...envelope, from, to: next.kind, ...facts } as typeof envelope);
  }

  private breakMs(call: Call | undefined, now: number, error: unknown): number {
    const { breakMs } = this.options;
    if (typeof breakMs === 'number') return breakMs;
    const facts: BreakFacts = {
      failureRatio: this.ratioAt(now),
      failureCount: this.window.failures(now),
      halfOpenAttempts: this.halfOpenAttempts,
      error,
    };
    try {
      const chosen = breakMs(facts);
      if (chosen > 0 && chosen < Infinity) return chosen;
      throw new RangeError(`breakMs returned ${chosen}; expected a number above 0`);
    } catch (thrown) {
      this.breakMsFailed(call, thrown);
      return circuitBreakerDefaults.breakMs as number;
    }
  }

  /** A breaker also opens when nobody calls: a lost probe is noticed by who looks at it. */
  private breakMsFailed(call: Call | undefined, error: unknown): void {
    if (call !== undefined) return call.hookFailed(this.name, 'breakMs', error);
    const timestamp = this.clock.wallTime();
    const told = { type: 'hook-failed', pipeline: undefined, policy: this.name, key: undefined, timestamp };
    this.events.emit({ ...told, hook: 'breakMs', error, outcome: 'failure' } as typeof told);
  }

  private ratioAt(now: number): number {
    const throughput = this.window.throughput(now);
    return throughput === 0 ? 0 : this.window.failures(now) / throughput;
  }

  // --- what an operator sees and does ---

  get state(): CircuitState {
    this.loseExpiredProbes(this.clock.now());
    return this.current.kind;
  }

  get timeInStateMs(): number {
    return this.clock.now() - this.current.since;
  }

  get retryAfterMs(): number {
    const now = this.clock.now();
    this.loseExpiredProbes(now);
    const state = this.current;
    return state.kind === 'closed' || (state.kind === 'half-open' && this.hasRoom(state)) ? 0 : retryAfter(state, now);
  }

  get lastError(): unknown {
    return this.lastFailure;
  }

  get failureRatio(): number {
    return this.ratioAt(this.clock.now());
  }

  get throughput(): number {
    return this.window.throughput(this.clock.now());
  }

  isolate(reason = 'isolated'): () => void {
    const holder = Symbol(reason);
    if (this.current.kind === 'isolated') this.current.holders.set(holder, reason);
    else
      this.become(
        undefined,
        { kind: 'isolated', since: this.clock.now(), holders: new Map([[holder, reason]]) },
        { reason },
      );
    const { holders } = this.current as Isolated;
    return () => {
      if (!holders.delete(holder) || holders.size > 0) return;
      if (this.current.kind === 'isolated' && this.current.holders === holders)
        this.close(undefined, 'isolation released');
    };
  }

  reset(): void {
    this.close(undefined, 'reset');
  }
}

const EVENT_OF = Object.freeze({
  closed: 'circuit-closed',
  open: 'circuit-opened',
  'half-open': 'circuit-half-opened',
  isolated: 'circuit-isolated',
} satisfies Record<CircuitState, keyof CircuitBreakerEvents>);

/** The least number of `all` whose ratio to it is at least `ratio`; a product of the two may be off by a rounding. */
function leastCount(ratio: number, all: number): number {
  const count = Math.ceil(ratio * all);
  return (count - 1) / all >= ratio ? count - 1 : count;
}

/** When a call has a chance again: the break's end, the end of the first lease, or nobody knows. */
function retryAfter(state: BreakerState, now: number): number {
  if (state.kind === 'open') return Math.max(0, (state satisfies Open).reopensAt - now);
  if (state.kind === 'half-open')
    return Math.max(0, Math.min(...[...state.leases].map((lease) => lease.expiresAt)) - now);
  return state.kind === 'isolated' ? Infinity : 0;
}
