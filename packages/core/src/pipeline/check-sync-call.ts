import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';
import { describe } from '../options/resolve.ts';
import type { CallOptions } from '../policy/context.ts';
import type { HookPolicy } from '../policy/policy.ts';
import { faultsOfCall } from './check-call.ts';

/** What could end a call from outside: nobody has a turn to do so before a synchronous call has ended by itself. */
const OUTSIDE_ENDS = ['signal', 'deadlineMs', 'parent'] as const;

/**
 * What is wrong with a synchronous call before it has begun; undefined when nothing is.
 *
 * @param unfit What {@link policiesThatWait} said of the policies.
 */
export function faultOfSyncCall(
  fn: unknown,
  options: CallOptions | undefined,
  unfit: readonly ConfigurationFault[],
): ConfigurationError | undefined {
  const isAsync = isAsyncFunction(fn);
  if (typeof fn === 'function' && !isAsync && options === undefined && unfit.length === 0) return undefined;
  const faults = [...faultsOfCall('executeSync', fn, options), ...unfit];
  if (isAsync) faults.push({ path: 'executeSync', expected: AT_ONCE, received: 'an async function' });
  for (const key of OUTSIDE_ENDS) {
    const given = options?.[key];
    if (given === undefined) continue;
    const expected = 'nothing that could end the call while it runs';
    faults.push({ path: `executeSync.${key}`, expected, received: describe(given) });
  }
  return faults.length === 0 ? undefined : new ConfigurationError(faults);
}

/** The policies that keep a pipeline from synchronous calls, each as a fault. */
export function policiesThatWait(policies: readonly HookPolicy[]): readonly ConfigurationFault[] {
  return policies
    .filter(({ waits, interrupts }) => waits !== false || interrupts === true)
    .map((policy) => ({
      path: pathOf(policy),
      expected: 'a policy that never waits, for synchronous calls',
      received: policy.interrupts === true ? 'one that ends calls while they run' : 'one that may wait',
    }));
}

/** The error of a synchronous call in which this policy, or without one the user's function, waits all the same. */
export function waitedInSyncCall(policy: HookPolicy | undefined): ConfigurationError {
  if (policy === undefined)
    return new ConfigurationError([{ path: 'executeSync', expected: AT_ONCE, received: 'a promise' }]);
  return new ConfigurationError([{ path: pathOf(policy), expected: 'an answer at once', received: 'a wait' }]);
}

const AT_ONCE = 'a function that answers at once';

const pathOf = ({ name, kind }: HookPolicy): string => `pipeline.${name ?? kind}`;

function isAsyncFunction(fn: unknown): boolean {
  if (typeof fn !== 'function') return false;
  return (fn as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'AsyncFunction';
}
