/** What a pipeline is to whoever uses it, and what the compiler knows of its events and results. */
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { EventMap, EventSource, TellsOthers } from '../events/event.ts';
import type { CallOptions, ExecutionContext, SyncCallOptions } from '../policy/context.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { PolicyOptions } from '../policy/policy-base.ts';
import type { AroundPolicy, Policy } from '../policy/policy.ts';
import type { PipelineEvents } from './events.ts';

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
