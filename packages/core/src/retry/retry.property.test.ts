/** Random calls against a retry: never too many attempts, no wait outside its bounds, nothing after an end. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { watched } from '../testing/test-support/watched.ts';
import { constant, exponential, fibonacci, linear } from './backoff.ts';
import { decorrelated, decorrelatedV2 } from './decorrelated.ts';
import { generated } from './generated.ts';
import type { Jitter } from './jitter.ts';
import { ratio } from './jitter.ts';
import { retry } from './retry.ts';

const backoffs = fc.record({
  kind: fc.constantFrom(
    'constant' as const,
    'linear' as const,
    'exponential' as const,
    'fibonacci' as const,
    'decorrelated' as const,
    'decorrelatedV2' as const,
    'generated' as const,
  ),
  initialMs: fc.integer({ min: 1, max: 100 }),
  maxMs: fc.integer({ min: 20, max: 300 }),
});

const scenarios = fc.record({
  backoff: backoffs,
  jitter: fc.constantFrom<Jitter>('none', 'full', 'equal', ratio(0.5)),
  minMs: fc.integer({ min: 0, max: 20 }),
  maxAttempts: fc.integer({ min: 1, max: 6 }),
  maxRetryAfterMs: fc.integer({ min: 0, max: 200 }),
  failures: fc.integer({ min: 0, max: 7 }),
  tookMs: fc.integer({ min: 0, max: 40 }),
  retryAfterMs: fc.option(fc.integer({ min: 0, max: 250 }), { nil: undefined }),
  deadlineMs: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
  abortAfterMs: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }),
  seed: fc.integer(),
});

describe('a retry of any kind', () => {
  it('makes no attempt too many, waits within floor and cap or as the server says, and begins nothing after an end', async () => {
    const property = fc.asyncProperty(scenarios, async (given) => {
      const clock = new VirtualClock();
      const { kind, initialMs, maxMs } = given.backoff;
      const growing = { linear, exponential, fibonacci, decorrelated, decorrelatedV2 };
      const asked = { constant: () => constant(maxMs), generated: () => generated(async () => initialMs, { maxMs }) };
      const backoff =
        kind in asked
          ? asked[kind as keyof typeof asked]()
          : growing[kind as keyof typeof growing]({ initialMs, maxMs });
      const { maxAttempts, jitter, minMs, maxRetryAfterMs } = given;
      const policy = retry({ backoff, jitter, minMs, maxAttempts, maxRetryAfterMs });
      const calls = pipeline({ clock, random: seededRandom(given.seed) }, policy);
      const controller = new AbortController();
      const startedAt: number[] = [];
      const endedAt: number[] = [];
      const waits: number[] = [];
      calls.on('retry', ({ delayMs, serverNamed }) => {
        waits.push(delayMs);
        if (serverNamed) expect(delayMs).toBeLessThanOrEqual(maxRetryAfterMs);
        else {
          expect(delayMs).toBeLessThanOrEqual(maxMs);
          expect(delayMs).toBeGreaterThanOrEqual(minMs);
        }
      });
      const fn = (): Promise<string> => {
        startedAt.push(clock.now());
        const failing = startedAt.length <= given.failures;
        return new Promise((resolve, reject) => {
          clock.setTimer(given.tookMs, () => {
            endedAt.push(clock.now());
            if (!failing) resolve('item');
            else reject(Object.assign(new Error('down'), { retryAfterMs: given.retryAfterMs }));
          });
        });
      };
      const call = watched(calls.execute(fn, { signal: controller.signal, deadlineMs: given.deadlineMs }));
      const { abortAfterMs, deadlineMs = Infinity } = given;
      const abortAt = abortAfterMs ?? Infinity;
      if (abortAfterMs !== undefined) clock.setTimer(abortAfterMs, () => controller.abort('left'));
      await clock.advance(10_000);
      expect(call.settled).toBe(1);
      expect(startedAt.length).toBeLessThanOrEqual(Math.min(maxAttempts, given.failures + 1));
      for (const [n, at] of startedAt.entries()) {
        expect(at).toBeLessThanOrEqual(Math.min(abortAt, deadlineMs));
        if (n > 0) expect(at - endedAt[n - 1]!).toBeCloseTo(waits[n - 1]!, 6);
      }
      expect(clock.pendingTimers).toBe(0);
      const { calls: counted, retries, succeededFirst, succeededAfterRetry, failed } = policy.statistics;
      expect([counted, succeededFirst + succeededAfterRetry + failed, retries]).toEqual([1, 1, waits.length]);
    });
    await fc.assert(property, propertyRuns(200));
  }, 60_000);
});
