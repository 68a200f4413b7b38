/** What lint says of random pipelines, beside what becomes of them in virtual time. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { Policy } from '../policy/policy.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { timeout } from '../timeout/timeout.ts';
import { lintPipeline } from './lint.ts';

/** Whether a breaker opens while its upstream hangs and as many callers as there are places call again and again. */
async function opens(
  policies: readonly Policy[],
  clock: VirtualClock,
  callers: number,
  untilMs: number,
): Promise<boolean> {
  const calls = pipeline({ clock }, ...policies);
  const opened = { once: false };
  calls.on('*', ({ type }) => (opened.once ||= (type as string) === 'circuit-opened'));
  const hanging = Array.from({ length: callers }, async () => {
    while (clock.now() < untilMs && !opened.once) await calls.tryExecute(() => new Promise(() => undefined));
  });
  await clock.settle(Promise.all(hanging), 1_000_000);
  return opened.once;
}

it('a breaker whose throughput lint takes for out of reach never opens, and opens with one call less than that', async () => {
  const seconds = fc.integer({ min: 1, max: 12 });
  await fc.assert(
    fc.asyncProperty(seconds, seconds, fc.integer({ min: 1, max: 4 }), async (window, attempt, maxConcurrent) => {
      fc.pre(window >= 2 * attempt);
      const rowOf = (minThroughput: number): readonly Policy[] => [
        timeout({ timeoutMs: 600_000 }),
        circuitBreaker({ minThroughput, samplingMs: window * 1_000 }),
        bulkhead({ maxConcurrent }),
        timeout({ timeoutMs: attempt * 1_000 }),
      ];
      const isSilent = (minThroughput: number): boolean =>
        lintPipeline({ policies: rowOf(minThroughput) }).length === 0;
      let least = 1;
      while (isSilent(least)) least++;
      expect(await opens(rowOf(least), new VirtualClock(), maxConcurrent, 5 * window * 1_000)).toBe(false);
      // Where an attempt fits into the window without a rest, those of its first instant have just left it.
      const last = least - 1 - (window % attempt === 0 ? maxConcurrent : 0);
      expect(await opens(rowOf(last), new VirtualClock(), maxConcurrent, 5 * window * 1_000)).toBe(true);
    }),
    propertyRuns(200),
  );
});
