import { withCause } from '../errors/cause.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { resolveOptions } from '../options/resolve.ts';
import { anything, callable, type Rules } from '../options/rules.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { type Failure, failure, type Outcome, success } from '../policy/outcome.ts';
import { askHook, PolicyBase, type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import { type Call, type HookPolicy, type Scope, WAIT, type Wait } from '../policy/policy.ts';

/**
 * Makes the substitute, at once or as a promise. It may throw, and then the call fails with what it threw. In place of a
 * result that is replaced its error is undefined, and it is told that result.
 */
export type FallbackFunction<Added> = (
  error: unknown,
  context: ExecutionContext,
  result: unknown,
) => Added | PromiseLike<Added>;

/** Options of a fallback: one of `value`, `run` and `inOrder`. */
export interface FallbackOptions<Added> extends PolicyOptions {
  /** What the call gives instead of failing. */
  readonly value?: Added;
  /** Makes what the call gives instead of failing. */
  readonly run?: FallbackFunction<Added> | undefined;
  /** Functions that are asked in this order until one answers; each gets the error of the one before. */
  readonly inOrder?: readonly FallbackFunction<Added>[] | undefined;
  /** Which errors are replaced; default: all. Others pass unchanged. */
  readonly handleIf?: ((error: unknown) => boolean) | undefined;
  /** Which results of the call are replaced too; default: none. */
  readonly handleResultIf?: ((value: unknown) => boolean) | undefined;
}

/** A substitute was given for a failed call, or could not be made. */
export interface FallbackEvent {
  /** What the call had failed with; undefined when its result was replaced. */
  readonly error: unknown;
  readonly outcome: 'success' | 'failure';
}

/** The events of a fallback. */
export interface FallbackEvents {
  fallback: FallbackEvent;
}

/** A fallback; see {@link fallback}. */
export interface Fallback<Added> extends HookPolicy<FallbackEvents, Added> {
  readonly kind: 'fallback';
  readonly name: string;
}

const fallbackRules: Rules<FallbackOptions<unknown>> = Object.freeze({
  ...policyOptionRules,
  value: anything(),
  run: callable<FallbackFunction<unknown>>(),
  inOrder: {
    expected: 'a list of at least one function',
    accepts: (value: unknown): value is readonly FallbackFunction<unknown>[] =>
      Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === 'function'),
  },
  handleIf: callable<(error: unknown) => boolean>(),
  handleResultIf: callable<(value: unknown) => boolean>(),
});

/**
 * Gives a substitute where what is inside fails, or gives a result that is to be replaced. It runs once for a call. When
 * it fails itself, the caller sees its error, with the first one as cause. A caller's abort is never replaced.
 *
 * @throws ConfigurationError unless exactly one of `value`, `run` and `inOrder` is given.
 */
export function fallback<const Added>(options: FallbackOptions<Added>): Fallback<Added> {
  return new FallbackPolicy(options);
}

/** The substitute that is being made for one call. */
interface Making {
  readonly scope: Scope;
  /** What it stands in for. */
  readonly replaced: Outcome;
  /** Until the call is ended from outside. */
  wanted: boolean;
}

class FallbackPolicy<Added> extends PolicyBase implements Fallback<Added> {
  readonly kind = 'fallback';
  /** A substitute that is made as a promise is a fault of its own in a synchronous call. */
  readonly waits = false;
  private readonly functions: readonly FallbackFunction<Added>[];
  private readonly handleIf: ((error: unknown) => boolean) | undefined;
  private readonly handleResultIf: ((value: unknown) => boolean) | undefined;

  constructor(given: FallbackOptions<Added>) {
    const options = resolveOptions<FallbackOptions<unknown>, object>('fallback', given, {}, fallbackRules);
    super('fallback', options);
    // A value may be undefined, so here it counts that it was given at all.
    const ways = (['value', 'run', 'inOrder'] as const).filter((way) =>
      way === 'value' ? Object.hasOwn(given ?? {}, way) : options[way] !== undefined,
    );
    if (ways.length !== 1) {
      const received = ways.length === 0 ? 'none of them' : ways.join(' and ');
      throw new ConfigurationError([{ path: 'fallback', expected: 'exactly one of value, run and inOrder', received }]);
    }
    const value = given.value as Added;
    this.functions = given.inOrder === undefined ? [given.run ?? (() => value)] : [...given.inOrder];
    this.handleIf = options.handleIf;
    this.handleResultIf = options.handleResultIf;
  }

  enter(call: Call, at: number): undefined {
    call.keep(at, undefined);
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome | Wait {
    if (outcome.ok ? !this.handlesResult(call, outcome.value) : !this.handles(call, outcome.error)) return outcome;
    const making: Making = { scope: call.scope(at), replaced: outcome, wanted: true };
    call.keep(at, making);
    // A cooperative timeout outside has fired: it waits for the substitute, too, which is asked to end at once.
    if (!(call.remainingMs(at) > 0)) making.scope.abort(new DOMException('no time is left', 'TimeoutError'), false);
    const made = this.make(making, errorOf(outcome));
    if (!(made instanceof Promise)) return this.made(call, outcome, made);
    void made.then((substitute) => {
      if (!making.wanted) return;
      call.keep(at, undefined);
      call.complete(at, this.made(call, outcome, substitute));
    });
    return WAIT;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    const making = call.kept(at) as Making | undefined;
    call.keep(at, undefined);
    if (making === undefined) return;
    making.wanted = false;
    making.scope.abort(outcome.error, byCaller);
  }

  private handles(call: Call, error: unknown): boolean {
    return askHook(this.handleIf, [error], this.handleIf === undefined, (thrown) =>
      call.hookFailed(this.name, 'handleIf', thrown),
    );
  }

  private handlesResult(call: Call, value: unknown): boolean {
    if (this.handleResultIf === undefined) return false;
    return askHook(this.handleResultIf, [value], false, (thrown) =>
      call.hookFailed(this.name, 'handleResultIf', thrown),
    );
  }

  /** Asks one function after the other while the call wants a substitute; stays synchronous as long as they do. */
  private make(making: Making, error: unknown, index = 0): Outcome | Promise<Outcome> {
    const { scope, replaced } = making;
    const next = (thrown: unknown): Outcome | Promise<Outcome> => {
      if (index + 1 < this.functions.length && making.wanted) return this.make(making, thrown, index + 1);
      return failure(replaced.ok ? thrown : withCause(thrown, replaced.error));
    };
    try {
      const made = this.functions[index]!(error, scope.context, replaced.ok ? replaced.value : undefined);
      if (!isThenable(made)) return success(made);
      return Promise.resolve(made).then(success, next);
    } catch (thrown) {
      return next(thrown);
    }
  }

  private made(call: Call, replaced: Outcome, substitute: Outcome): Outcome {
    if (call.wants('fallback')) {
      const outcome = substitute.ok ? 'success' : 'failure';
      call.emit(this.name, 'fallback', { error: errorOf(replaced), outcome });
    }
    return substitute;
  }
}

function errorOf(outcome: Outcome): unknown {
  return outcome.ok ? undefined : outcome.error;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  const mayBe = typeof value === 'object' ? value !== null : typeof value === 'function';
  return mayBe && typeof (value as { then?: unknown }).then === 'function';
}
