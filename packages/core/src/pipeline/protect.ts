import { withCause } from '../errors/cause.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { describe, resolveOptions } from '../options/resolve.ts';
import { callable, either, milliseconds, number, oneOf, text, type Rules } from '../options/rules.ts';
import type { CallOptions } from '../policy/context.ts';
import { PRIORITIES } from '../policy/priority.ts';
import type { AddsOf, AnyPipeline } from './pipeline-contract.ts';
import { resembling } from './resembling.ts';

/** How a protected method uses its pipeline. */
export interface ProtectOptions<
  This,
  Keyed extends readonly unknown[],
  Replaced extends readonly unknown[],
  Added,
> extends Pick<CallOptions, 'priority' | 'cost' | 'deadlineMs'> {
  /** The key of each call, or what makes it from the parameters of the method; default: none. */
  readonly key?: string | ((this: This, ...parameters: Keyed) => string | undefined) | undefined;
  /**
   * Makes what the method gives where the call fails, from the error and the parameters of the method; default: the
   * call fails. When it fails itself, the caller sees its error, with the first one as cause.
   */
  readonly fallback?: ((this: This, error: unknown, ...parameters: Replaced) => Added | PromiseLike<Added>) | undefined;
}

/** What {@link protect} makes: a decorator for methods that its functions fit, and that may give what they add. */
export type ProtectingDecorator<This, Keyed extends readonly unknown[], Replaced extends readonly unknown[], Adds> = <
  Self extends This,
  Method extends (this: Self, ...parameters: never) => Promise<unknown>,
>(
  method: Method & TakenBy<Keyed, Method> & TakenBy<Replaced, Method>,
  context: MethodContext<Self>,
) => Gives<Method, Adds>;

/** What of a method's context the compiler has to know; its own type wants `any`. */
interface MethodContext<Self> {
  readonly kind: 'method';
  readonly access: { has(object: Self): boolean };
}

/** The compiler's objection to a method whose parameters a function of the options does not take. */
type TakenBy<Taken extends readonly unknown[], Method extends (this: never, ...parameters: never) => unknown> =
  Parameters<Method> extends readonly [...Taken, ...unknown[]]
    ? unknown
    : { readonly 'a function of the options takes other parameters than the method': never };

/** The method as it is; or what it would become, where a fallback adds what callers of the method don't expect. */
type Gives<Method extends (this: never, ...parameters: never) => Promise<unknown>, Adds> = [Adds] extends [
  Awaited<ReturnType<Method>>,
]
  ? Method
  : (...parameters: Parameters<Method>) => Promise<Awaited<ReturnType<Method>> | Adds>;

type AnyFunction = (this: unknown, ...parameters: unknown[]) => unknown;

/** The options as the decorator uses them, whatever the method takes. */
interface GivenOptions extends Pick<CallOptions, 'priority' | 'cost' | 'deadlineMs'> {
  readonly key?: string | AnyFunction | undefined;
  readonly fallback?: AnyFunction | undefined;
}

const rules: Rules<GivenOptions> = Object.freeze({
  key: either(text(), callable<AnyFunction>('a function')),
  fallback: callable<AnyFunction>(),
  priority: oneOf(...PRIORITIES),
  cost: number(0, Infinity),
  deadlineMs: milliseconds(0, Infinity),
});

/**
 * A standard decorator for methods that return promises: every call of the method runs under `pipeline`. `this`,
 * parameters and types stay as they are: `class Stock { @protect(calls) async item(sku: string): Promise<Item> {…} }`.
 *
 * @throws ConfigurationError when the options can't be meant, or something else than a method is decorated.
 */
export function protect<
  P extends AnyPipeline,
  This = unknown,
  const Keyed extends readonly unknown[] = [],
  const Replaced extends readonly unknown[] = [],
  Added = never,
>(
  pipeline: P,
  options: ProtectOptions<This, Keyed, Replaced, Added> = {},
): ProtectingDecorator<This, Keyed, Replaced, AddsOf<P> | Added> {
  const given = resolveOptions<GivenOptions, object>('protect', options as GivenOptions, {}, rules);
  if (typeof (pipeline as Partial<AnyPipeline> | undefined)?.execute !== 'function')
    throw new ConfigurationError([{ path: 'protect', expected: 'a pipeline', received: describe(pipeline) }]);
  const decorate = (method: AnyFunction, context: unknown): AnyFunction => {
    checkMethod(method, context);
    return resembling(method, protectedMethod(pipeline, method, given));
  };
  return decorate as unknown as ProtectingDecorator<This, Keyed, Replaced, AddsOf<P> | Added>;
}

function protectedMethod(pipeline: AnyPipeline, method: AnyFunction, options: GivenOptions): AnyFunction {
  const { key, fallback, ...rest } = options;
  return function (this: unknown, ...parameters: unknown[]): Promise<unknown> {
    let result: Promise<unknown>;
    try {
      const call = { ...rest, key: typeof key === 'function' ? (key.apply(this, parameters) as string) : key };
      result = pipeline.execute(() => method.apply(this, parameters), call);
    } catch (error) {
      // What makes the key has thrown.
      return Promise.reject(error);
    }
    if (fallback === undefined) return result;
    return result.catch((error: unknown) => substitute(error, () => fallback.call(this, error, ...parameters)));
  };
}

async function substitute(first: unknown, make: () => unknown): Promise<unknown> {
  try {
    return await make();
  } catch (error) {
    throw withCause(error, first);
  }
}

/** A decorator of the older, experimental kind gets a name where a standard one gets its context. */
function checkMethod(method: unknown, context: unknown): void {
  const { kind } = (context ?? {}) as { readonly kind?: unknown };
  if (kind === 'method' && typeof method === 'function') return;
  const received = typeof kind === 'string' ? `a ${kind}` : 'no context: are experimental decorators switched on?';
  throw new ConfigurationError([{ path: 'protect', expected: 'a method, by a standard decorator', received }]);
}
