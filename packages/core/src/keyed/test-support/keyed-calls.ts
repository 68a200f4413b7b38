/** What the tests of keyed policies call, and the policies that they make of keys. */
import { type CircuitBreaker, circuitBreaker } from '../../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../../circuit-breaker/trip-rules.ts';
import type { HookPolicy } from '../../policy/policy.ts';

export const item = async (): Promise<string> => 'item';
export const down = (): Promise<string> => Promise.reject(new Error('down'));
export const never = (): Promise<string> => new Promise(() => undefined);

/** A breaker that the first failure opens, for a second. */
export const breakerOf = (): CircuitBreaker => circuitBreaker({ trip: consecutive(1), breakMs: 1_000 });

/** A policy that lets everything pass. */
export const passing = (more: Partial<HookPolicy> = {}): HookPolicy => ({
  kind: 'passing',
  enter: () => undefined,
  leave: (_call, _at, outcome) => outcome,
  cancel: () => undefined,
  ...more,
});
