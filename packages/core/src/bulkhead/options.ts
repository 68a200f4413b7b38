import { count, implementing, milliseconds, oneOf, positiveMilliseconds, type Rules } from '../options/rules.ts';
import type { CallOptions } from '../policy/context.ts';
import { type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import { PRIORITIES } from '../policy/priority.ts';

/** Options of a bulkhead. */
export interface BulkheadOptions extends PolicyOptions {
  /** How many calls may run at once; at least 1, or Infinity; default 10. */
  readonly maxConcurrent?: number | undefined;
  /** How many more may wait for one of them to end; default 0: they are refused at once. */
  readonly maxQueue?: number | undefined;
  /** How long a call may wait in the queue, in milliseconds; default: as long as its caller does. */
  readonly maxQueueWaitMs?: number | undefined;
  /**
   * When a permit returns: with the `outcome` that the bulkhead sees (default), which after a timeout may be before the
   * function has ended, or when every run of the function that began under it has `settled`.
   */
  readonly releaseOn?: 'outcome' | 'settled' | undefined;
}

/** The defaults of a bulkhead. */
export const bulkheadDefaults: {
  readonly maxConcurrent: number;
  readonly maxQueue: number;
  readonly releaseOn: 'outcome';
} = Object.freeze({
  maxConcurrent: 10,
  maxQueue: 0,
  releaseOn: 'outcome',
});

/** What each option of a bulkhead may be. */
export const bulkheadRules: Rules<BulkheadOptions> = Object.freeze({
  ...policyOptionRules,
  maxConcurrent: count(1),
  maxQueue: count(0),
  maxQueueWaitMs: positiveMilliseconds(),
  releaseOn: oneOf('outcome', 'settled'),
});

/** How code asks for a permit without waiting. */
export type TryAcquireOptions = Pick<CallOptions, 'priority'>;

/** How code waits for a permit. */
export interface AcquireOptions extends Pick<CallOptions, 'priority' | 'signal'> {
  /** How long to wait at most, in milliseconds; 0 does not wait. Default, and upper bound: `maxQueueWaitMs`. */
  readonly maxWaitMs?: number | undefined;
}

/** What each option of `tryAcquire` may be. */
export const tryAcquireRules: Rules<TryAcquireOptions> = Object.freeze({ priority: oneOf(...PRIORITIES) });

/** What each option of `acquire` may be. */
export const acquireRules: Rules<AcquireOptions> = Object.freeze({
  ...tryAcquireRules,
  signal: implementing<AbortSignal>('an AbortSignal', 'addEventListener', 'removeEventListener'),
  maxWaitMs: milliseconds(0, Infinity),
});
