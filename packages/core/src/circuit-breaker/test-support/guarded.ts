import type { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { rejection } from '../../testing/test-support/watched.ts';
import { circuitBreaker } from '../circuit-breaker.ts';
import type { CircuitBreakerOptions } from '../options.ts';
import { consecutive } from '../trip-rules.ts';

export const down = (): Promise<string> => Promise.reject(new Error('down'));
export const up = async (): Promise<string> => 'item';

/** A breaker that opens at the first failure and for a second, unless told otherwise, alone in a pipeline. */
export function guarded(clock: VirtualClock, options: CircuitBreakerOptions = {}) {
  const breaker = circuitBreaker({ clock, trip: consecutive(1), breakMs: 1_000, ...options });
  return { breaker, calls: pipeline(breaker) };
}

/** Something to call through. */
export interface Calls {
  execute(fn: () => Promise<string>): Promise<string>;
}

/** Calls that fail, one after the other. */
export async function fail(calls: Calls, times = 1): Promise<void> {
  for (let n = 0; n < times; n++) await rejection(calls.execute(down));
}

/** Calls that succeed, one after the other. */
export async function succeed(calls: Calls, times = 1): Promise<void> {
  for (let n = 0; n < times; n++) await calls.execute(up);
}

/** A call that takes so long, and then ends as `fn` does. */
export async function take(
  clock: VirtualClock,
  calls: Calls,
  ms: number,
  fn: () => Promise<string> = up,
): Promise<void> {
  const call = calls.execute(
    () => new Promise((resolve, reject) => void clock.setTimer(ms, () => void fn().then(resolve, reject))),
  );
  const ended = call.then(
    () => undefined,
    () => undefined,
  );
  await clock.advance(ms);
  await ended;
}
