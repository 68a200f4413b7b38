import type { Clock } from '../clock/clock.ts';
import { systemRandom } from '../clock/random.ts';
import { systemClock } from '../clock/system-clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { EventChannel } from '../events/channel.ts';
import type { EventSource } from '../events/event.ts';
import { describe, resolveOptions } from '../options/resolve.ts';
import type { Rules } from '../options/rules.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { failure, type Outcome } from '../policy/outcome.ts';
import { policyOptionRules } from '../policy/policy-base.ts';
import type { AnyEventSource, Policy } from '../policy/policy.ts';
import { faultOfCall } from './check-call.ts';
import { faultOfSyncCall } from './check-sync-call.ts';
import { PipelineClosedError } from './errors.ts';
import type { PipelineEvents } from './events.ts';
import type { AddsOf, CloseOptions, EventsOf, Pipeline, PipelineOptions } from './pipeline-contract.ts';
import { Plan } from './plan.ts';
import { resembling } from './resembling.ts';
import { RunningCall } from './running-call.ts';
import { Subscription } from './subscription.ts';

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
