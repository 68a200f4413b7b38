/**
 * A chaos policy does to some calls what an upstream does on a bad day. Put it innermost, where the upstream is: what it
 * injects counts as a run of the function, so that breakers, retries and statistics outside can't tell it from the
 * upstream's own.
 */
import type { Outcome, Failure } from '../../policy/outcome.ts';
import { PolicyBase } from '../../policy/policy-base.ts';
import { type Call, type HookPolicy, WAIT, type Wait } from '../../policy/policy.ts';
import type { ChaosEvents, ChaosInjectedEvent } from './events.ts';
import { type ChaosOptions, type PerCall, shareRule } from './options.ts';

/** What a chaos policy waits for in one call. */
export interface ChaosWait {
  cancel(reason: unknown, byCaller: boolean): void;
}

/** A chaos policy. */
export interface Chaos<Adds = never> extends HookPolicy<ChaosEvents, Adds> {
  readonly name: string;
}

/** Decides which calls are to suffer; what they suffer is the subclass's. */
export abstract class ChaosPolicy<Adds = never> extends PolicyBase implements Chaos<Adds> {
  abstract readonly waits: boolean;
  private readonly injectionRatio: PerCall<number>;
  private readonly enabled: PerCall<boolean>;

  constructor(kind: string, options: ChaosOptions & { readonly enabled: PerCall<boolean> }) {
    super(kind, options);
    this.injectionRatio = options.injectionRatio;
    this.enabled = options.enabled;
  }

  /** Does it to this call: nothing when the call then goes on. */
  protected abstract inject(call: Call, at: number): Outcome | Wait | undefined;

  enter(call: Call, at: number): Outcome | Wait | undefined {
    call.keep(at, undefined);
    const chosen = this.chooses(call);
    if (typeof chosen === 'boolean') return chosen ? this.inject(call, at) : undefined;
    return this.wait(call, at, chosen, (yes) => (yes ? this.inject(call, at) : undefined));
  }

  leave(_call: Call, _at: number, outcome: Outcome): Outcome {
    return outcome;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    const waiting = call.kept(at) as ChaosWait | undefined;
    call.keep(at, undefined);
    waiting?.cancel(outcome.error, byCaller);
  }

  /** Waits for `promise`, which must not reject, and goes on with what `then` answers unless the call has ended. */
  protected wait<T>(
    call: Call,
    at: number,
    promise: PromiseLike<T>,
    then: (value: T) => Outcome | Wait | undefined,
    waiting: ChaosWait = { cancel: () => undefined },
  ): Wait {
    call.keep(at, waiting);
    void promise.then((value) => {
      if (call.kept(at) !== waiting) return;
      call.keep(at, undefined);
      const answer = then(value);
      if (answer === undefined) call.resume(at);
      else if (answer !== WAIT) call.complete(at, answer as Outcome);
    });
    return WAIT;
  }

  protected tell(call: Call, event: ChaosInjectedEvent): void {
    if (call.wants('chaos-injected')) call.emit(this.name, 'chaos-injected', event);
  }

  /** Whether this call is to suffer. A switch or a share that can't be had spares it, and is told. */
  private chooses(call: Call): boolean | Promise<boolean> {
    const spare = (hook: string) => (error: unknown) => {
      call.hookFailed(this.name, hook, error);
      return false;
    };
    const draw = (ratio: number): boolean => {
      if (shareRule.accepts(ratio)) return this.random.next() < ratio;
      return spare('injectionRatio')(
        new RangeError(`injectionRatio returned ${String(ratio)}; expected a number from 0 to 1`),
      );
    };
    const askRatio = (): boolean | Promise<boolean> => ask(this.injectionRatio, call, draw, spare('injectionRatio'));
    return ask(this.enabled, call, (enabled) => enabled && askRatio(), spare('enabled'));
  }
}

/** Asks what may be a value, a function or an async function, and stays synchronous as long as that does. */
function ask<T>(
  asked: PerCall<T>,
  call: Call,
  then: (value: T) => boolean | Promise<boolean>,
  failed: (error: unknown) => boolean,
): boolean | Promise<boolean> {
  if (typeof asked !== 'function') return then(asked);
  let value: T | PromiseLike<T>;
  try {
    value = (asked as (context: Call['context']) => T | PromiseLike<T>)(call.context);
  } catch (error) {
    return failed(error);
  }
  return isPromise(value) ? Promise.resolve(value).then(then, failed) : then(value);
}

/** Whether a function of the user's has answered with something to wait for. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
