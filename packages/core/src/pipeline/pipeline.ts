import type { Clock } from '../clock/clock.ts';
import { type Random, systemRandom } from '../clock/random.ts';
import { systemClock } from '../clock/system-clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { EventChannel } from '../events/channel.ts';
import type { EventMap, EventSource, TellsOthers } from '../events/event.ts';
import { describe, resolveOptions } from '../options/resolve.ts';
import type { Rules } from '../options/rules.ts';
import type { CallOptions, ExecutionContext, SyncCallOptions } from '../policy/context.ts';
import { failure, type Outcome } from '../policy/outcome.ts';
import { policyOptionRules, type PolicyOptions } from '../policy/policy-base.ts';
import type { AnyEventSource, AroundPolicy, Policy } from '../policy/policy.ts';
import { faultOfCall } from './check-call.ts';
import { faultOfSyncCall } from './check-sync-call.ts';
import { PipelineClosedError } from './errors.ts';
import type { PipelineEvents } from './events.ts';
import { Plan } from './plan.ts';
import { resembling } from './resembling.ts';
import { RunningCall } from './running-call.ts';

/** Options of a pipeline. */
export interface PipelineOptions extends PolicyOptions {
  /** Its name in events and errors; default: none. */
  readonly name?: string | undefined;
  /** Where the time comes from; default: the clock that one of its policies was given, otherwise the system's. */
  readonly clock?: Clock | undefined;
  /** Where random numbers come from; default: the system's generator. */
  readonly random?: Random | undefined;
}

/** How long {@link Pipeline.close} waits. */
export interface CloseOptions {
  /** At most so many milliseconds; default: as long as it takes. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Policies put together, the outermost first; itself a policy. `Pipeline` alone is one of any policies that add nothing
 * to the results of a call; where they may, it is `Pipeline<any, unknown>`.
 */
// The compiler takes a pipeline of any events for one only where they are `any`; its listeners hear what is known all the same.
// oxlint-disable-next-line typescript/no-explicit-any
export interface Pipeline<Events extends EventMap = any, Adds = never>
  extends EventSource<EventsHeard<Events>>, AroundPolicy<Events, Adds> {
  readonly kind: 'pipeline';
  /** Its policies as they were given, the outermost first. */
  readonly policies: readonly Policy[];
  /** How many calls, and runs of functions that a call left behind, have not ended. */
  readonly busy: number;

  /**
   * Runs `fn` under all policies. Resolves to what it returns or a fallback adds; rejects with the error of the last
   * attempt, the rejection of a policy, or the reason of the caller's abort.
   */
  execute<T>(fn: (context: ExecutionContext) => T, options?: CallOptions): Promise<Awaited<T> | Adds>;
  /** The same, as an outcome that tells success from failure; never rejects. */
  tryExecute<T>(fn: (context: ExecutionContext) => T, options?: CallOptions): Promise<Outcome<Awaited<T> | Adds>>;
  /**
   * Runs `fn` under all policies and returns what it returns or a fallback adds, at once; throws where `execute`
   * rejects. Events and context are the same. For pipelines of policies that never wait: a breaker, a fallback, a
   * bulkhead without a queue, a retry without backoff, for which an error that names a wait is the last.
   *
   * @throws ConfigurationError before anything starts where a policy may wait, `fn` is an async function, or `options`
   *   could end the call from outside; once that is seen where `fn` returns a promise or a fallback does.
   */
  executeSync<T>(fn: (context: ExecutionContext) => AtOnce<T>, options?: SyncCallOptions): T | Adds;
  /** The same, as an outcome that tells success from failure; never throws. */
  tryExecuteSync<T>(fn: (context: ExecutionContext) => AtOnce<T>, options?: SyncCallOptions): Outcome<T | Adds>;
  /**
   * A function with the same parameters and the same `this` whose every call runs under all policies.
   *
   * @param optionsOf Makes the options of a call from its parameters; what it throws is what the call rejects with.
   * @throws ConfigurationError when `fn` is no function.
   */
  wrap<This, Parameters extends readonly unknown[], T>(
    fn: (this: This, ...parameters: Parameters) => T,
  ): (this: This, ...parameters: Parameters) => Promise<Awaited<T> | Adds>;
  // The parameters are the function's alone: those that `optionsOf` leaves out must not go missing.
  wrap<Fn extends (this: never, ...parameters: never) => unknown>(
    fn: Fn,
    optionsOf?: (...parameters: Parameters<Fn>) => CallOptions,
  ): (this: ThisParameterType<Fn>, ...parameters: Parameters<Fn>) => Promise<Awaited<ReturnType<Fn>> | Adds>;
  /**
   * Takes no new calls (they fail with a PipelineClosedError) and waits for those that run, and for runs that they have
   * left behind, such as the losers of a hedge. Resolves to how many were still running when the time was up: 0 when
   * all have ended.
   */
  close(options?: CloseOptions): Promise<number>;
}

/** What is heard of a pipeline of these events; of one of `any`, what every pipeline tells, and others by their envelope. */
export type EventsHeard<Events extends EventMap> = unknown extends Events ? PipelineEvents & TellsOthers : Events;

/** Any pipeline, whatever its events and whatever its fallbacks add. */
export interface AnyPipeline {
  readonly kind: 'pipeline';
  execute<T>(fn: (context: ExecutionContext) => T, options?: CallOptions): Promise<unknown>;
}

/** What a function gives that makes nobody wait: anything but a promise. */
export type AtOnce<T> = T extends PromiseLike<unknown> ? never : T;

/** The events of a pipeline that is made of policies of these types. */
export type EventsOf<P extends Policy> = PipelineEvents &
  UnionToIntersection<P extends { readonly '~types'?: infer T } ? EventsIn<T> : EventMap>;
type EventsIn<T> = NonNullable<T> extends { readonly events: infer Events } ? Events : EventMap;
/** What the policies of these types can add to the results of a call: fallbacks do. */
export type AddsOf<P> = P extends { readonly '~types'?: infer T }
  ? NonNullable<T> extends { readonly adds: infer Adds }
    ? KnownAdds<Adds>
    : never
  : never;
/** A user's own policy that says nothing adds nothing. */
type KnownAdds<Adds> = unknown extends Adds ? never : Adds;
type UnionToIntersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (
  member: infer All,
) => void
  ? All
  : never;

const rules: Rules<PipelineOptions> = policyOptionRules;

/**
 * Puts policies together, the outermost first as written: `pipeline(timeout(…), retry(…), breaker)` gives the whole
 * call a time limit, retries within it, and asks the breaker on each attempt. With no policy it just calls.
 *
 * @throws ConfigurationError when something in the row is no policy, or its clock is another than the pipeline's.
 */
export function pipeline<const P extends readonly Policy[]>(
  ...policies: P
): Pipeline<EventsOf<P[number]>, AddsOf<P[number]>>;
export function pipeline<const P extends readonly Policy[]>(
  options: PipelineOptions,
  ...policies: P
): Pipeline<EventsOf<P[number]>, AddsOf<P[number]>>;
export function pipeline(
  first?: PipelineOptions | Policy,
  ...rest: readonly Policy[]
): Pipeline<PipelineEvents, unknown> {
  if (first === undefined) return new CompiledPipeline({}, rest);
  if (isPolicy(first)) return new CompiledPipeline({}, [first, ...rest]);
  return new CompiledPipeline(first, rest);
}

function isPolicy(value: PipelineOptions | Policy): value is Policy {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

type UserFunction<T = unknown> = (this: unknown, ...parameters: unknown[]) => T;

class CompiledPipeline implements Pipeline<PipelineEvents, unknown> {
  readonly kind = 'pipeline';
  readonly name: string;
  private readonly settings: PipelineOptions;
  private readonly channel: EventChannel<PipelineEvents> = new EventChannel();
  private readonly subscriptions: Set<Subscription> = new Set();
  private plan: Plan;
  /** Plans that were replaced while calls were in flight, until those have ended. */
  private readonly earlier: Set<Plan> = new Set();
  private closed = false;

  constructor(given: PipelineOptions, policies: readonly Policy[]) {
    const options = resolveOptions('pipeline', given, {}, rules);
    const wrong = policies.findIndex((policy) => typeof policy !== 'object' || policy === null);
    if (wrong >= 0) {
      throw new ConfigurationError([
        { path: `pipeline[${wrong}]`, expected: 'a policy', received: describe(policies[wrong]) },
      ]);
    }
    const clock =
      options.clock ?? policies.find((policy) => policy.boundClock !== undefined)?.boundClock ?? systemClock;
    this.name = options.name ?? 'pipeline';
    this.settings = { ...options, clock };
    this.plan = this.planOf(policies);
    this.plan.adopt();
  }

  private planOf(policies: readonly Policy[]): Plan {
    const { name, clock = systemClock, random = systemRandom } = this.settings;
    return new Plan(name, Object.freeze([...policies]), clock, random, this.channel as EventChannel);
  }

  /** See {@link replacementOf}. */
  replacement(policies: readonly Policy[]): () => void {
    const plan = this.planOf(policies);
    return () => {
      const { plan: old } = this;
      this.earlier.add(old);
      this.plan = plan;
      // In this order a policy that stays is never out of use.
      plan.adopt();
      old.dismiss();
      for (const subscription of this.subscriptions) subscription.follow(this.sources);
      old.onIdle(() => this.earlier.delete(old));
    };
  }

  get policies(): readonly Policy[] {
    return this.plan.policies;
  }

  get boundClock(): Clock {
    return this.plan.clock;
  }

  get events(): EventSource<PipelineEvents> {
    return this;
  }

  get busy(): number {
    let busy = this.plan.busy;
    for (const plan of this.earlier) busy += plan.busy;
    return busy;
  }

  get isBusy(): boolean {
    return this.plan.busy > 0 || this.policies.some((policy) => policy.isBusy === true);
  }

  execute<T>(fn: (context: ExecutionContext) => T, options?: CallOptions): Promise<never> {
    const refused = this.refusal(fn, options);
    if (refused !== undefined) return Promise.reject(refused);
    return new RunningCall(this.plan, fn, options, false).start() as Promise<never>;
  }

  tryExecute<T>(fn: (context: ExecutionContext) => T, options?: CallOptions): Promise<Outcome<never>> {
    const refused = this.refusal(fn, options);
    if (refused !== undefined) return Promise.resolve(failure(refused));
    return new RunningCall(this.plan, fn, options, true).start() as Promise<Outcome<never>>;
  }

  executeSync(fn: (context: ExecutionContext) => unknown, options?: CallOptions): never {
    const outcome = this.tryExecuteSync(fn, options);
    if (outcome.ok) return outcome.value;
    throw outcome.error;
  }

  tryExecuteSync(fn: (context: ExecutionContext) => unknown, options?: CallOptions): Outcome<never> {
    const refused = this.closed
      ? new PipelineClosedError(this.plan.name)
      : faultOfSyncCall(fn, options, this.plan.policiesThatWait);
    if (refused !== undefined) return failure(refused);
    return new RunningCall(this.plan, fn, options, true).startSync() as Outcome<never>;
  }

  wrap(fn: UserFunction, optionsOf?: (...parameters: unknown[]) => CallOptions): UserFunction<Promise<never>> {
    if (typeof fn !== 'function')
      throw new ConfigurationError([{ path: 'wrap', expected: 'a function', received: describe(fn) }]);
    const execute = this.execute.bind(this);
    return resembling(fn, function (this: unknown, ...parameters: unknown[]) {
      let options: CallOptions | undefined;
      try {
        options = optionsOf?.(...parameters);
      } catch (error) {
        return Promise.reject(error);
      }
      return execute(() => fn.apply(this, parameters), options);
    });
  }

  /** Why a call can't be begun at all. */
  private refusal(fn: unknown, options: CallOptions | undefined): Error | undefined {
    if (this.closed) return new PipelineClosedError(this.plan.name);
    return faultOfCall(fn, options);
  }

  around(context: ExecutionContext, next: (within?: ExecutionContext) => Promise<unknown>): Promise<unknown> {
    return this.execute((within) => next(within), { parent: context });
  }

  /** Call events come from the pipeline, events of a policy's own state from the policy. */
  on(type: '*' | keyof PipelineEvents, listener: (event: never) => void): () => void {
    const subscription = new Subscription(type, listener);
    subscription.follow(this.sources);
    this.subscriptions.add(subscription);
    return () => {
      this.subscriptions.delete(subscription);
      subscription.follow(new Set());
    };
  }

  /** A policy may stand in the row twice. */
  private get sources(): ReadonlySet<AnyEventSource | undefined> {
    return new Set([this.channel, ...this.policies.map((policy) => policy.events)]);
  }

  close(options: CloseOptions = {}): Promise<number> {
    if (!this.closed) this.plan.dismiss();
    this.closed = true;
    return new Promise((resolve) => {
      let timer: { cancel(): void } | undefined;
      const withdraw = this.onIdle(() => {
        timer?.cancel();
        resolve(0);
      });
      if (options.timeoutMs === undefined || this.busy === 0) return;
      timer = this.plan.clock.setTimer(options.timeoutMs, () => {
        withdraw();
        resolve(this.busy);
      });
    });
  }

  /** Calls back when nothing runs any more, under no plan; returns what withdraws that. */
  private onIdle(callback: () => void): () => void {
    const busy = [this.plan, ...this.earlier].find((plan) => plan.busy > 0) ?? this.plan;
    let withdraw = busy.onIdle(() => {
      if (this.busy === 0) callback();
      else withdraw = this.onIdle(callback);
    });
    return () => withdraw();
  }
}

/** A listener of a pipeline, which hears all sources that there are at the time. */
class Subscription {
  private readonly type: string;
  private readonly listener: (event: never) => void;
  private readonly stops: Map<AnyEventSource, () => void> = new Map();

  constructor(type: string, listener: (event: never) => void) {
    this.type = type;
    this.listener = listener;
  }

  /** Listens to these sources, and to no others any more. */
  follow(sources: ReadonlySet<AnyEventSource | undefined>): void {
    for (const [source, stop] of this.stops) {
      if (sources.has(source)) continue;
      stop();
      this.stops.delete(source);
    }
    for (const source of sources) {
      if (source !== undefined && !this.stops.has(source))
        this.stops.set(source, source.on(this.type as never, this.listener as never));
    }
  }
}

/**
 * Makes other policies ready for a pipeline, and returns what puts them in place. Calls in flight end under the policies
 * that they began with; who listens to the pipeline hears the new ones from then on.
 *
 * @throws ConfigurationError when something in the row is no policy, or its clock is another than the pipeline's.
 */
export function replacementOf(pipelineToChange: object, policies: readonly Policy[]): () => void {
  if (!(pipelineToChange instanceof CompiledPipeline)) throw new TypeError('only what pipeline() made can be changed');
  return pipelineToChange.replacement(policies);
}
