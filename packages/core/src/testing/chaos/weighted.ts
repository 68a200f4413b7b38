import { ConfigurationError } from '../../errors/configuration-error.ts';
import { describe } from '../../options/resolve.ts';
import type { ChaosFunction } from './options.ts';

/** One of several things that may happen. */
export interface Weighted<T> {
  /** How often it happens, compared with the others: a number above 0. */
  readonly weight: number;
  readonly make: ChaosFunction<T>;
}

/**
 * Makes one of several things, each as often as its weight says: `weighted([{ weight: 3, make: reset }, …])`.
 *
 * @throws ConfigurationError when there is nothing to choose from, or a weight is no number above 0.
 */
export function weighted<T>(choices: readonly Weighted<T>[]): ChaosFunction<T> {
  const faults = choices
    .map(({ weight }, index) => ({ weight, path: `weighted[${index}].weight` }))
    .filter(({ weight }) => !(weight > 0 && weight < Infinity))
    .map(({ weight, path }) => ({ path, expected: 'a number above 0', received: describe(weight) }));
  if (choices.length === 0) faults.push({ path: 'weighted', expected: 'at least one choice', received: 'none' });
  if (faults.length > 0) throw new ConfigurationError(faults);
  const all = choices.reduce((sum, { weight }) => sum + weight, 0);
  return (context, random) => {
    let left = random.next() * all;
    // Rounding may leave a crumb beyond the last.
    const chosen = choices.find(({ weight }) => (left -= weight) < 0) ?? choices.at(-1)!;
    return chosen.make(context, random);
  };
}
