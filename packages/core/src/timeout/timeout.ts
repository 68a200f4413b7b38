import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { TimeoutEntry, type TimeoutLane, timeoutQueueOf } from '../clock/timeout-queue.ts';
import { withoutStack } from '../errors/rejection.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { callable, either, oneOf, positiveMilliseconds, type Rules } from '../options/rules.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { failure, type Outcome } from '../policy/outcome.ts';
import { givenAtOnce, PolicyBase, type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import type { Call, HookPolicy } from '../policy/policy.ts';
import { TimeoutError } from './errors.ts';

/** Options of a timeout. */
export interface TimeoutOptions extends PolicyOptions {
  /** How long what is inside may take, in milliseconds, above 0; or a function that says so for each call. No default. */
  readonly timeoutMs: number | ((context: ExecutionContext) => number);
  /**
   * `aggressive` (default): the call rejects at once, the signal is aborted, a late result becomes an event.
   * `cooperative`: the signal is aborted and the function is awaited; a result that it still gives counts, an error
   * becomes a TimeoutError with that error as its cause.
   */
  readonly mode?: 'aggressive' | 'cooperative' | undefined;
}

/** Time ran out. */
export interface TimeoutEvent {
  readonly timeoutMs: number;
  readonly mode: 'aggressive' | 'cooperative';
  readonly outcome: 'failure';
  /** The time that was given. */
  readonly durationMs: number;
}

/** The events of a timeout. */
export interface TimeoutEvents {
  timeout: TimeoutEvent;
}

/** A timeout; see {@link timeout}. */
export interface Timeout extends HookPolicy<TimeoutEvents, never> {
  readonly kind: 'timeout';
  readonly name: string;
}

/** The defaults of a timeout. */
export const timeoutDefaults: { readonly mode: 'aggressive' } = Object.freeze({ mode: 'aggressive' });

const timeoutRules: Rules<TimeoutOptions> = Object.freeze({
  ...policyOptionRules,
  timeoutMs: either(positiveMilliseconds(), callable<(context: ExecutionContext) => number>('a function')),
  mode: oneOf('aggressive', 'cooperative'),
});

/**
 * Limits the time of what is inside: the whole call where it stands outside a retry, each attempt where it stands
 * inside. Never early; on the system clock late by at most 1/64 of its time and 50 ms.
 *
 * @throws ConfigurationError
 */
export function timeout(options: TimeoutOptions): Timeout {
  return new TimeoutPolicy(options);
}

/** The running time of one call. */
class Expiry extends TimeoutEntry {
  readonly lane: TimeoutLane;
  expired = false;
  private readonly policy: TimeoutPolicy;
  private readonly call: Call;
  private readonly at: number;

  constructor(policy: TimeoutPolicy, call: Call, at: number, lane: TimeoutLane) {
    super();
    this.policy = policy;
    this.call = call;
    this.at = at;
    this.lane = lane;
  }

  override onTimeout(): void {
    this.expired = true;
    this.policy.expire(this.call, this.at, this.lane.durationMs);
  }
}

class TimeoutPolicy extends PolicyBase implements Timeout {
  readonly kind = 'timeout';
  readonly interrupts = true;
  readonly options: Resolved<TimeoutOptions, typeof timeoutDefaults>;
  private readonly timeoutMs: number | ((context: ExecutionContext) => number);
  private readonly mode: 'aggressive' | 'cooperative';
  /** The lane of a fixed timeout. */
  private lane: TimeoutLane | undefined;

  constructor(given: TimeoutOptions) {
    const options = resolveOptions('timeout', given, timeoutDefaults, timeoutRules, ['timeoutMs']);
    super('timeout', options);
    this.options = options;
    this.timeoutMs = options.timeoutMs;
    this.mode = options.mode;
  }

  override adopt(clock: Clock, random: Random): void {
    super.adopt(clock, random);
    this.lane = typeof this.timeoutMs === 'number' ? this.laneOf(this.timeoutMs) : undefined;
  }

  enter(call: Call, at: number): undefined {
    const lane = this.lane ?? this.generatedLane(call);
    if (lane === undefined) {
      call.keep(at, undefined);
      return;
    }
    const expiry = new Expiry(this, call, at, lane);
    call.keep(at, expiry);
    lane.add(expiry);
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    const expiry = call.kept(at) as Expiry | undefined;
    if (expiry === undefined) return outcome;
    if (!expiry.expired) expiry.lane.remove(expiry);
    else if (!outcome.ok) return failure(this.error(expiry.lane.durationMs, outcome.error));
    return outcome;
  }

  cancel(call: Call, at: number): void {
    const expiry = call.kept(at) as Expiry | undefined;
    expiry?.lane.remove(expiry);
  }

  remainingMs(call: Call, at: number): number {
    const expiry = call.kept(at) as Expiry | undefined;
    if (expiry === undefined) return Infinity;
    return expiry.expired ? 0 : expiry.lane.remainingMs(expiry, this.clock.now());
  }

  isDue(call: Call, at: number): boolean {
    const expiry = call.kept(at) as Expiry | undefined;
    return expiry !== undefined && !expiry.expired && expiry.lane.remainingMs(expiry, this.clock.now()) === 0;
  }

  /** Time is up. A function that runs may be awaited; a queue or a backoff may not. */
  expire(call: Call, at: number, timeoutMs: number): void {
    if (call.wants('timeout'))
      call.emit(this.name, 'timeout', { timeoutMs, mode: this.mode, outcome: 'failure', durationMs: timeoutMs });
    const error = this.error(timeoutMs);
    if (this.mode === 'cooperative' && call.abortRun(error)) return;
    call.interrupt(at, failure(error));
  }

  private error(timeoutMs: number, cause?: unknown): TimeoutError {
    return withoutStack(() => new TimeoutError(this.name, timeoutMs, cause));
  }

  private laneOf(timeoutMs: number): TimeoutLane {
    return timeoutQueueOf(this.clock).lane(timeoutMs);
  }

  /** A generated time that is no time limits nothing, and is told. */
  private generatedLane(call: Call): TimeoutLane | undefined {
    const onError = (error: unknown): void => call.hookFailed(this.name, 'timeoutMs', error);
    try {
      const generate = this.timeoutMs as (context: ExecutionContext) => number;
      const timeoutMs = givenAtOnce(generate(call.context), onError);
      if (timeoutMs > 0 && timeoutMs <= Number.MAX_SAFE_INTEGER) return this.laneOf(timeoutMs);
      if (timeoutMs !== Infinity) throw new RangeError(`timeoutMs returned ${timeoutMs}; expected a number above 0`);
    } catch (error) {
      onError(error);
    }
    return undefined;
  }
}
