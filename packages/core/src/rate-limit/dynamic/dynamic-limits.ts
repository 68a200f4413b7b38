import type { Clock } from '../../clock/clock.ts';
import { systemClock } from '../../clock/system-clock.ts';
import type { Failure, Outcome } from '../../policy/outcome.ts';
import type { Call, HookPolicy } from '../../policy/policy.ts';
import type { RateLimiter } from '../rate-limiter.ts';
import { EndpointLimit, type EndpointOutcome, type EndpointStatistics } from './endpoint-limit.ts';
import { EventLoopDelay } from '../../load/event-loop-delay.ts';
import { type DynamicLimitsOptions, type ResolvedDynamicOptions, resolveDynamicOptions } from './options.ts';

/** What limits have learned, as plain data: the limit of each endpoint. */
export interface LearnedLimits {
  readonly version: 1;
  readonly limits: Readonly<Record<string, number>>;
}

/** Limits of many endpoints, each of which finds its own height. */
export interface DynamicLimits {
  /** The limiter of an endpoint, made when it is first asked for. */
  limiter(endpoint: string): RateLimiter;
  /** Takes into account how a request to an endpoint came out. */
  record(endpoint: string, outcome: EndpointOutcome): void;
  /**
   * A policy that records the outcomes of a pipeline's calls to `endpoint`; it stands inside the rate limit. A call whose
   * function never started and one that its caller cancelled say nothing. An error or a value with a numeric `status` and
   * `headers` counts as the response.
   */
  observe(endpoint: string): HookPolicy<object, never>;
  /** What is known of an endpoint; undefined for one that was never asked for. */
  statistics(endpoint: string): EndpointStatistics | undefined;
  /** What was learned so far, to be hydrated by another process. */
  export(): LearnedLimits;
  /**
   * Begins with what another process has learned, within this one's bounds: endpoints that are there already stay.
   *
   * @throws RangeError when that is no {@link LearnedLimits}.
   */
  hydrate(learned: LearnedLimits): void;
}

/**
 * Makes limits that rise while all is well and fall with failures, slow answers, queues, load and refusals.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function dynamicLimits(options: DynamicLimitsOptions): DynamicLimits {
  return new EndpointLimits(resolveDynamicOptions(options));
}

class EndpointLimits implements DynamicLimits {
  private readonly options: ResolvedDynamicOptions;
  private readonly clock: Clock;
  private readonly load: () => number;
  /** In the order of their last use. */
  private readonly endpoints: Map<string, EndpointLimit> = new Map();
  private readonly learned: Map<string, number> = new Map();

  constructor(options: ResolvedDynamicOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    // Asked once an interval: it must not stop measuring in between.
    const delay = new EventLoopDelay(this.clock, 3 * options.intervalMs);
    this.load = options.load ?? (() => delay.read());
  }

  limiter(endpoint: string): RateLimiter {
    return this.of(endpoint).limiter;
  }

  record(endpoint: string, outcome: EndpointOutcome): void {
    this.of(endpoint).record(outcome);
  }

  observe(endpoint: string): HookPolicy<object, never> {
    return new ObservingPolicy(this.clock, (outcome) => this.record(endpoint, outcome));
  }

  statistics(endpoint: string): EndpointStatistics | undefined {
    return this.endpoints.get(endpoint)?.statistics;
  }

  export(): LearnedLimits {
    const present = [...this.endpoints].map(([endpoint, { statistics }]) => [endpoint, statistics.limit] as const);
    return { version: 1, limits: Object.fromEntries([...this.learned, ...present]) };
  }

  hydrate(learned: LearnedLimits): void {
    const limits: unknown = learned.version === 1 ? learned.limits : undefined;
    if (typeof limits !== 'object' || limits === null) throw new RangeError('these are no learned limits of version 1');
    const { minLimit, maxLimit, maxEndpoints } = this.options;
    for (const [endpoint, limit] of Object.entries(limits)) {
      if (!Number.isSafeInteger(limit)) throw new RangeError(`the learned limit of ${endpoint} is no integer`);
      if (this.learned.size >= maxEndpoints) return;
      this.learned.set(endpoint, Math.min(Math.max(limit as number, minLimit), maxLimit));
    }
  }

  private of(endpoint: string): EndpointLimit {
    let found = this.endpoints.get(endpoint);
    if (found === undefined) {
      const limit = this.learned.get(endpoint) ?? this.options.initialLimit;
      this.learned.delete(endpoint);
      if (this.endpoints.size >= this.options.maxEndpoints) this.endpoints.delete(this.endpoints.keys().next().value!);
      found = new EndpointLimit(this.options, this.clock, this.load, limit);
    } else this.endpoints.delete(endpoint);
    this.endpoints.set(endpoint, found);
    return found;
  }
}

/** What it keeps of a call: when it came in, and how many attempts there were before. */
interface Begun {
  readonly at: number;
  readonly attempts: number;
}

class ObservingPolicy implements HookPolicy<object, never> {
  readonly kind = 'dynamic-limit';
  readonly waits = false;
  private readonly clock: Clock;
  private readonly record: (outcome: EndpointOutcome) => void;

  constructor(clock: Clock, record: (outcome: EndpointOutcome) => void) {
    this.clock = clock;
    this.record = record;
  }

  enter(call: Call, at: number): undefined {
    const begun: Begun = { at: this.clock.now(), attempts: call.attempts };
    call.keep(at, begun);
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    const begun = call.kept(at) as Begun;
    if (call.attempts > begun.attempts) {
      const response = responseOf(outcome.ok ? outcome.value : outcome.error);
      const ok = outcome.ok && (response === undefined || response.status < 500) && response?.status !== 429;
      this.record({ ok, durationMs: this.clock.now() - begun.at, response });
    }
    return outcome;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    if (!byCaller) this.leave(call, at, outcome);
  }
}

function responseOf(value: unknown): EndpointOutcome['response'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const { status, headers } = value as { readonly status?: unknown; readonly headers?: unknown };
  if (typeof status !== 'number' || typeof headers !== 'object' || headers === null) return undefined;
  return { status, headers: headers as NonNullable<EndpointOutcome['response']>['headers'] };
}
