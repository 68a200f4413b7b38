import { callable, either, integer, positiveMilliseconds, text, type Rules } from '../options/rules.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';

/** Options of a keyed policy. */
export interface KeyedOptions extends PolicyOptions {
  /**
   * Under whose policy a call falls: a key, or a function of the context that says it, or leaves it to the call. Calls
   * without a key share the policy of the key `''`. Default: the key of the call.
   */
  readonly key?: string | ((context: ExecutionContext) => string | undefined) | undefined;
  /** How many keys are remembered at most; at least 1, default 10,000. */
  readonly maxKeys?: number | undefined;
  /** A key that was not used for so many milliseconds is forgotten; default 600,000. */
  readonly idleMs?: number | undefined;
}

/** The defaults of a keyed policy. */
export const keyedDefaults: { readonly maxKeys: number; readonly idleMs: number } = Object.freeze({
  maxKeys: 10_000,
  idleMs: 600_000,
});

/** What each option of a keyed policy may be. */
export const keyedRules: Rules<KeyedOptions> = Object.freeze({
  ...policyOptionRules,
  key: either(text(), callable<(context: ExecutionContext) => string | undefined>('a function of the context')),
  maxKeys: integer(1),
  idleMs: positiveMilliseconds(),
});
