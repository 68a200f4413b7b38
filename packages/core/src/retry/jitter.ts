import type { Random } from '../clock/random.ts';
import { ratio as ratioRule } from '../options/rules.ts';
import { resolveOptions } from '../options/resolve.ts';

/** Spreads a delay, downwards only: from a delay in milliseconds to one that is not longer. */
export type JitterFunction = (delayMs: number, random: Random) => number;

/**
 * How delays are spread so that clients that failed together do not come back together: `full` draws from U(0, d),
 * `equal` from d/2 + U(0, d/2), `none` leaves d; {@link ratio} draws from d · (1 − U(0, r)).
 */
export type Jitter = 'none' | 'full' | 'equal' | JitterFunction;

const named: Readonly<Record<'none' | 'full' | 'equal', JitterFunction>> = Object.freeze({
  none: (delayMs: number) => delayMs,
  full: (delayMs: number, random: Random) => random.next() * delayMs,
  equal: (delayMs: number, random: Random) => delayMs / 2 + (random.next() * delayMs) / 2,
});

/**
 * A jitter that takes away up to a ratio of the delay: with 0.5 a delay of 10 s becomes 5 to 10 s.
 *
 * @param most Above 0 and at most 1.
 */
export function ratio(most: number): JitterFunction {
  const { ratio: share } = resolveOptions('jitter', { ratio: most }, {}, { ratio: ratioRule() });
  return (delayMs, random) => delayMs * (1 - random.next() * share);
}

/** The function that a jitter stands for. */
export function jitterFunction(jitter: Jitter): JitterFunction {
  return typeof jitter === 'function' ? jitter : named[jitter];
}
