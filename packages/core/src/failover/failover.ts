import type { Clock } from '../clock/clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { EventChannel } from '../events/channel.ts';
import type { EventSource } from '../events/event.ts';
import { describe } from '../options/resolve.ts';
import { Attempt } from '../pipeline/attempt.ts';
import type { PipelineEvents } from '../pipeline/events.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { CloseOptions, Pipeline } from '../pipeline/pipeline-contract.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import type { Policy } from '../policy/policy.ts';
import { askHook } from '../policy/policy-base.ts';
import { Endpoint } from './endpoint.ts';
import { type EndpointFunction, EndpointRace, type RaceRules } from './endpoint-race.ts';
import { NoEndpointError } from './errors.ts';
import type { FailoverEvents } from './events.ts';
import { type FailoverOptions, type ResolvedFailoverOptions, resolveFailoverOptions } from './options.ts';
import { Outliers } from './outliers.ts';

/** How one endpoint does. */
export interface EndpointState<E> {
  readonly endpoint: E;
  /** Its policies, as they were made for it. */
  readonly policies: readonly Policy[];
  /** Calls under way. */
  readonly running: number;
  /** How many calls it was asked so far. */
  readonly asked: number;
  /** How many of its calls count at present. */
  readonly throughput: number;
  /** The ratio of failures among them, 0 to 1. */
  readonly failureRatio: number;
  /** Whether it is ejected: asked only when all others have failed. */
  readonly ejected: boolean;
}

/** Several endpoints that can do the same; see {@link failover}. */
export interface Failover<E> extends EventSource<PipelineEvents & FailoverEvents<E>> {
  readonly name: string;
  readonly boundClock: Clock;
  /** How its endpoints do, in the order in which they were given. */
  readonly endpoints: readonly EndpointState<E>[];
  /**
   * Runs `fn` on the endpoint whose turn it is, and on further ones as long as it fails. Rejects with the last failure;
   * with a NoEndpointError when the policies of all endpoints refuse the call.
   */
  execute<T>(fn: EndpointFunction<E, T>, options?: CallOptions): Promise<Awaited<T>>;
  /** Takes no new calls and waits for those that run, losers of a hedge included; see `Pipeline.close`. */
  close(options?: CloseOptions): Promise<number>;
}

/**
 * Spreads calls over endpoints that can do the same, each under policies of its own: a breaker each, when nothing else
 * is said. An endpoint that fails or refuses hands the call to the next one. One that fails much more often than the
 * others is ejected for a while, at most half of them at a time; it is then asked last.
 *
 * @param endpoints Whatever tells endpoints apart: addresses, clients.
 * @throws ConfigurationError
 */
export function failover<const E>(endpoints: readonly E[], options: FailoverOptions<E> = {}): Failover<E> {
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    const expected = 'a list of at least one endpoint';
    throw new ConfigurationError([{ path: 'failover.endpoints', expected, received: describe(endpoints) }]);
  }
  return new EndpointGroup(endpoints, resolveFailoverOptions(options));
}

class EndpointGroup<E> implements Failover<E>, RaceRules<E> {
  readonly name: string;
  readonly hedgeDelayMs: number | undefined;
  readonly clock: Clock;
  private readonly options: ResolvedFailoverOptions;
  /** What holds for the whole of a call: its deadline, its abort, its end. */
  private readonly calls: Pipeline;
  private readonly group: readonly Endpoint<E>[];
  private readonly outliers: Outliers<E>;
  private readonly channel: EventChannel<FailoverEvents<E>> = new EventChannel();

  constructor(endpoints: readonly E[], options: ResolvedFailoverOptions) {
    const { clock, random } = options;
    this.name = options.name ?? 'failover';
    this.options = options;
    this.hedgeDelayMs = options.hedgeDelayMs;
    this.calls = pipeline({ name: this.name, clock, random });
    this.clock = this.calls.boundClock!;
    this.group = endpoints.map((value, index) => {
      const policies = policiesFor(options, value, index);
      const own = pipeline({ name: `${this.name}[${index}]`, clock: this.clock, random }, ...policies);
      return new Endpoint(value, index, own, this.clock, options.samplingMs);
    });
    this.outliers = new Outliers(this.group, options, this.clock, {
      ejected: (event) => this.tell('endpoint-ejected', event),
      returned: (event) => this.tell('endpoint-returned', event),
    });
  }

  get boundClock(): Clock {
    return this.clock;
  }

  get endpoints(): readonly EndpointState<E>[] {
    return this.group.map((endpoint) => ({
      endpoint: endpoint.value,
      policies: endpoint.pipeline.policies,
      running: endpoint.running,
      asked: endpoint.asked,
      throughput: endpoint.throughput,
      failureRatio: endpoint.failureRatio,
      ejected: this.outliers.isEjected(endpoint),
    }));
  }

  execute<T>(fn: EndpointFunction<E, T>, options?: CallOptions): Promise<Awaited<T>> {
    // Abort, deadline and parent are the whole call's; what policies tell calls apart by is every endpoint's too.
    const perEndpoint: CallOptions = options?.cost === undefined ? {} : { cost: options.cost };
    return this.calls.execute(
      (context) => new EndpointRace(this.inTurn(), this.options.maxEndpoints, context, fn, perEndpoint, this).run(),
      options,
    );
  }

  on(type: '*' | keyof (PipelineEvents & FailoverEvents<E>), listener: (event: never) => void): () => void {
    const sources = [this.calls, this.channel] as unknown as readonly {
      on(type: string, listener: unknown): () => void;
    }[];
    const stops = sources.map((source) => source.on(type, listener));
    return () => {
      for (const stop of stops) stop();
    };
  }

  async close(options?: CloseOptions): Promise<number> {
    const left = await Promise.all(
      [this.calls, ...this.group.map((one) => one.pipeline)].map((one) => one.close(options)),
    );
    return left.reduce((sum, count) => sum + count, 0);
  }

  // --- what a race asks and tells ---

  goesOnAfter(error: unknown, context: ExecutionContext): boolean {
    return askHook(this.options.failoverIf, [error], false, (thrown) => {
      if (context instanceof Attempt) context.hookFailed(this.name, 'failoverIf', thrown);
    });
  }

  judged(endpoint: Endpoint<E>, ok: boolean): void {
    if (ok) return endpoint.succeeded();
    endpoint.failed();
    this.outliers.judge(endpoint);
  }

  failedOver(from: E, to: E, error: unknown, context: ExecutionContext): void {
    this.tell('failover', { from, to, error }, context);
  }

  hedged(from: E, to: E, context: ExecutionContext): void {
    this.tell('endpoint-hedged', { from, to }, context);
  }

  noneTakesCalls(refusals: readonly unknown[]): Error {
    const waits = refusals.map((error) => (error as { readonly retryAfterMs?: unknown }).retryAfterMs);
    const known = waits.filter((wait) => typeof wait === 'number');
    return new NoEndpointError(this.name, known.length === 0 ? undefined : Math.min(...known), refusals[0]);
  }

  /** The ejected stand last: when nothing else is left, they are better than no answer. */
  private inTurn(): readonly Endpoint<E>[] {
    const ordered = this.options.order === 'ordered' ? this.group : this.group.toSorted(byLoad);
    const ejected = ordered.filter((endpoint) => this.outliers.isEjected(endpoint));
    return ejected.length === 0 ? ordered : [...ordered.filter((one) => !ejected.includes(one)), ...ejected];
  }

  private tell(type: Extract<keyof FailoverEvents<E>, string>, details: object, context?: ExecutionContext): void {
    if (!this.channel.wants(type)) return;
    const envelope = {
      type,
      pipeline: this.name,
      policy: undefined,
      key: context?.key,
      timestamp: this.clock.wallTime(),
    };
    this.channel.emit({ ...envelope, ...details });
  }
}

function policiesFor(options: ResolvedFailoverOptions, endpoint: unknown, index: number): readonly Policy[] {
  const policies: unknown = options.policies(endpoint, index);
  if (Array.isArray(policies)) return policies as readonly Policy[];
  const expected = 'a list of policies, for every endpoint';
  throw new ConfigurationError([{ path: 'failover.policies', expected, received: describe(policies) }]);
}

function byLoad(a: Endpoint<unknown>, b: Endpoint<unknown>): number {
  return a.running - b.running || a.asked - b.asked;
}
