import type { Random } from '../../clock/random.ts';
import { callable, either, flag, number, type Rule, type Rules } from '../../options/rules.ts';
import type { ExecutionContext } from '../../policy/context.ts';
import { type PolicyOptions, policyOptionRules } from '../../policy/policy-base.ts';

/** A value, or what makes one for each call, at once or as a promise. */
export type PerCall<T> = T | ((context: ExecutionContext) => T | PromiseLike<T>);

/** Makes something for one call; draws from `random` where it is to vary, so that a seed repeats it. */
export type ChaosFunction<T> = (context: ExecutionContext, random: Random) => T;

/** Options that every chaos policy has. */
export interface ChaosOptions extends PolicyOptions {
  /** In what share of the calls something is injected, 0 to 1, or a function that says so. Required. */
  readonly injectionRatio: PerCall<number>;
  /** Whether anything is injected at all, or a function that says so; default true. */
  readonly enabled?: PerCall<boolean> | undefined;
}

/** The defaults of every chaos policy. */
export const chaosDefaults: { readonly enabled: true } = Object.freeze({ enabled: true });

/** The rule for a share of calls, 0 and 1 included. */
export const shareRule: Rule<number> = number(0, 1);

/** What the options that every chaos policy has may be. */
export const chaosRules: Rules<ChaosOptions> = Object.freeze({
  ...policyOptionRules,
  injectionRatio: either(shareRule, callable<Exclude<PerCall<number>, number>>('a function')),
  enabled: either(flag(), callable<Exclude<PerCall<boolean>, boolean>>('a function')),
});
