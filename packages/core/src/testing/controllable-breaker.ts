import type { CircuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { CircuitIsolatedError, CircuitOpenError } from '../circuit-breaker/errors.ts';
import {
  type CircuitBreakerEvents,
  type CircuitState,
  type CircuitTransition,
  eventOnEntering,
} from '../circuit-breaker/events.ts';
import { checkSnapshot, type CircuitSnapshot } from '../circuit-breaker/snapshot.ts';
import { withoutStack } from '../errors/rejection.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import { resolveOptions } from '../options/resolve.ts';
import { type Failure, failure, type Outcome } from '../policy/outcome.ts';
import { PolicyBase, type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import type { Call } from '../policy/policy.ts';

/** What a {@link ControllableBreaker} was asked, and what it was told of how that came out. */
export interface BreakerRequest {
  readonly key: string | undefined;
  /** The name of the pipeline. */
  readonly pipeline: string | undefined;
  /** The state by which it answered: `closed` and `half-open` let the call through, the others refuse it. */
  readonly answer: CircuitState;
  /**
   * What a breaker learns: nothing yet (`pending`), that the upstream answered or failed, or nothing at all, because it
   * refused the call itself (`refused`), a policy further in did, or its caller cancelled it (`neutral`).
   */
  readonly told: 'pending' | 'success' | 'failure' | 'refused' | 'neutral';
  /** What the call failed with, where it did. */
  readonly error: unknown;
}

/**
 * A circuit breaker whose answers the test decides, and that remembers what it was asked and told. It is closed, and
 * stays so whatever fails, until it is told otherwise. Usable wherever a `circuitBreaker` is.
 *
 * Its commands (`isolate`, `forceOpen`, `reset`, …) do what they say and are remembered; no time and no outcome changes
 * its state. Results count as successes and errors as failures: conditions are the real breaker's.
 */
export interface ControllableBreaker extends CircuitBreaker {
  /** Everything that it was asked, in order. */
  readonly requests: readonly BreakerRequest[];
  /** The commands that it was given, in order: `isolate`, `forceOpen`, `forceHalfOpen`, `reset`, `hydrate`. */
  readonly commands: readonly string[];
  /** What it shows; the test may say so. */
  retryAfterMs: number;
  failureRatio: number;
  slowCallRatio: number;
  throughput: number;
  /**
   * Answers by this state from now on, and tells the change.
   *
   * @param retryAfterMs What refused calls are told, and `retryAfterMs` shows; default 0, Infinity when isolated.
   */
  answer(state: CircuitState, retryAfterMs?: number): void;
  /** Answers the next calls by these states, once each; its own state stays. */
  answerNext(...states: readonly CircuitState[]): void;
  /** Forgets what it was asked, told and commanded; its answers stay. */
  clear(): void;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What is remembered of a call. */
interface Asked {
  readonly request: Writable<BreakerRequest>;
  /** How many times the function had been started by then. */
  readonly attempts: number;
}

class AnsweringBreaker extends PolicyBase implements ControllableBreaker {
  readonly kind = 'circuit-breaker';
  readonly waits = false;
  readonly events: OwnerChannel<CircuitBreakerEvents> = new OwnerChannel(this.name, () => this.clock);
  readonly requests: BreakerRequest[] = [];
  readonly commands: string[] = [];
  retryAfterMs = 0;
  failureRatio = 0;
  slowCallRatio = 0;
  throughput = 0;
  lastError: unknown = undefined;
  openedAt: number | undefined = undefined;
  private current: CircuitState = 'closed';
  private since = 0;
  private next: CircuitState[] = [];
  private holders: Map<() => void, string> = new Map();
  private transitions: CircuitTransition[] = [];

  constructor(options: PolicyOptions = {}) {
    super('circuit-breaker', resolveOptions('controllableBreaker', options, {}, policyOptionRules));
    this.since = this.clock.now();
  }

  override adopt(...given: Parameters<PolicyBase['adopt']>): void {
    const isNew = this.boundClock === undefined;
    super.adopt(...given);
    if (isNew) this.since = this.clock.now();
  }

  // --- what the test says ---

  answer(state: CircuitState, retryAfterMs: number = state === 'isolated' ? Infinity : 0): void {
    this.retryAfterMs = retryAfterMs;
    this.become(state, 'told by the test');
  }

  answerNext(...states: readonly CircuitState[]): void {
    this.next.push(...states);
  }

  clear(): void {
    this.requests.length = 0;
    this.commands.length = 0;
    this.transitions = [];
  }

  // --- the way of a call ---

  enter(call: Call, at: number): Outcome | undefined {
    const answer = this.next.shift() ?? this.current;
    const request: Writable<BreakerRequest> = {
      key: call.key,
      pipeline: call.pipeline,
      answer,
      told: 'pending',
      error: undefined,
    };
    this.requests.push(request);
    if (answer === 'open' || answer === 'isolated') return this.refuse(call, request);
    call.keep(at, { request, attempts: call.attempts } satisfies Asked);
    return undefined;
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    const { request, attempts } = call.kept(at) as Asked;
    if (call.attempts === attempts) request.told = 'neutral';
    else request.told = outcome.ok ? 'success' : 'failure';
    if (!outcome.ok) request.error = outcome.error;
    if (request.told === 'failure') this.lastError = request.error;
    return outcome;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    if (!byCaller) this.leave(call, at, outcome);
    else Object.assign((call.kept(at) as Asked).request, { told: 'neutral', error: outcome.error });
  }

  private refuse(call: Call, request: Writable<BreakerRequest>): Failure {
    const code = request.answer === 'open' ? 'CIRCUIT_OPEN' : 'CIRCUIT_ISOLATED';
    if (call.wants('circuit-rejected'))
      call.emit(this.name, 'circuit-rejected', { code, outcome: 'refused', retryAfterMs: this.retryAfterMs });
    const error = withoutStack(() =>
      code === 'CIRCUIT_OPEN'
        ? new CircuitOpenError(this.name, this.retryAfterMs)
        : new CircuitIsolatedError(this.name, [...this.holders.values()]),
    );
    request.told = 'refused';
    request.error = error;
    return failure(error);
  }

  // --- what a breaker shows, and what it can be told ---

  get state(): CircuitState {
    return this.current;
  }

  get timeInStateMs(): number {
    return this.clock.now() - this.since;
  }

  get history(): readonly CircuitTransition[] {
    return [...this.transitions];
  }

  isolate(reason = 'isolated'): () => void {
    this.commands.push('isolate');
    const release = (): void => {
      if (this.holders.delete(release) && this.holders.size === 0 && this.current === 'isolated')
        this.command('closed', 'isolation released');
    };
    this.holders.set(release, reason);
    if (this.current !== 'isolated') this.command('isolated', reason);
    return release;
  }

  forceOpen(reason = 'forced'): boolean {
    this.commands.push('forceOpen');
    return this.current !== 'isolated' && this.command('open', reason);
  }

  forceHalfOpen(reason = 'forced'): boolean {
    this.commands.push('forceHalfOpen');
    return this.current !== 'isolated' && this.command('half-open', reason);
  }

  reset(): void {
    this.commands.push('reset');
    this.command('closed', 'reset');
  }

  hydrate(given: CircuitSnapshot): void {
    const snapshot = checkSnapshot(given);
    this.commands.push('hydrate');
    this.command(snapshot.state, 'hydrated');
    this.retryAfterMs = snapshot.retryAfterMs ?? this.retryAfterMs;
  }

  toJSON(): CircuitSnapshot {
    const open = this.current === 'open' ? { breakMs: this.retryAfterMs, retryAfterMs: this.retryAfterMs } : {};
    return {
      version: 1,
      state: this.current,
      savedAt: this.clock.wallTime(),
      timeInStateMs: this.timeInStateMs,
      halfOpenAttempts: 0,
      openedAt: this.openedAt,
      ...open,
      reasons: this.current === 'isolated' ? [...this.holders.values()] : undefined,
    };
  }

  private command(state: CircuitState, reason: string): true {
    this.retryAfterMs = state === 'isolated' ? Infinity : 0;
    this.become(state, reason);
    return true;
  }

  private become(to: CircuitState, reason: string): void {
    const from = this.current;
    const timestamp = this.clock.wallTime();
    if (to !== 'isolated') this.holders.clear();
    if (to === 'open') this.openedAt = timestamp;
    this.current = to;
    this.since = this.clock.now();
    this.transitions.push({ from, to, reason, timestamp });
    this.events.tell(eventOnEntering[to], { from, to, reason });
  }
}

/** Makes a breaker under the test's control: `new ControllableBreaker()`. */
export const ControllableBreaker: new (options?: PolicyOptions) => ControllableBreaker = AnsweringBreaker;
