import type { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { watched } from '../../testing/test-support/watched.ts';
import { hedge } from '../hedge.ts';
import type { HedgeOptions } from '../options.ts';
import { Attempts } from './attempts.ts';

/** One call through a hedge, and the events of that hedge: type, attempt and cause. */
export function hedgedCall(clock: VirtualClock, options: HedgeOptions, signal?: AbortSignal) {
  const policy = hedge(options);
  const calls = pipeline({ clock, name: 'stock' }, policy);
  const attempts = new Attempts();
  const events: unknown[] = [];
  const note = ({ type, attempt, cause }: { type: string; attempt: number; cause?: string }): number =>
    events.push(cause === undefined ? [type, attempt] : [type, attempt, cause]);
  for (const type of ['hedge', 'hedge-refused', 'hedge-attempt-failed', 'hedge-won'] as const) calls.on(type, note);
  const call = watched(calls.tryExecute(attempts.fn, { signal, key: 'sku:1' }));
  return { policy, calls, attempts, call, events };
}
