import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { deferred, microtasks, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { adaptiveConcurrency } from './adaptive-concurrency.ts';
import { aimd } from './aimd.ts';
import type { LimitAlgorithm } from './algorithm.ts';
import { gradient2 } from './gradient2.ts';
import { vegas } from './vegas.ts';

const algorithms: fc.Arbitrary<LimitAlgorithm> = fc.constantFrom(
  gradient2(),
  vegas(),
  aimd({ latencyThresholdMs: 50 }),
);

const samples = fc.array(
  fc.record({
    rttMs: fc.oneof(fc.double({ min: 0.001, max: 1e7, noNaN: true }), fc.constantFrom(0.001, 20, 1e7)),
    inflight: fc.integer({ min: 1, max: 2_000 }),
    dropped: fc.boolean(),
  }),
  { minLength: 1, maxLength: 200 },
);

describe('an algorithm, whatever the samples', () => {
  it('gives a finite limit, which no drop raises, and nothing raises that is less than half in use', () => {
    const property = fc.property(
      algorithms,
      samples,
      fc.integer({ min: 1, max: 1_000 }),
      (algorithm, seen, initial) => {
        const estimator = algorithm.createEstimator(seededRandom(1));
        let limit = initial;
        for (const sample of seen) {
          const next = estimator.next(limit, sample);
          expect(Number.isFinite(next)).toBe(true);
          if (sample.dropped || sample.inflight * 2 < limit) expect(next).toBeLessThanOrEqual(limit);
          limit = Math.min(Math.max(next, 1), 1_000);
        }
      },
    );
    fc.assert(property, propertyRuns(300));
  });
});

type Step =
  | { readonly do: 'call'; readonly ms: number; readonly end: 'answer' | 'overload' | 'bug' }
  | { readonly do: 'abort'; readonly which: number }
  | { readonly do: 'pass'; readonly ms: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('call' as const),
        ms: fc.constantFrom(0, 5, 30, 150),
        end: fc.constantFrom('answer' as const, 'answer' as const, 'overload' as const, 'bug' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(50) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 10, 60) }) },
  ),
  { minLength: 5, maxLength: 80 },
);

describe('an adaptive concurrency limit, whatever the traffic', () => {
  it('stays within its bounds, admits nobody above it, and loses no permit, timer or listener', async () => {
    const options = fc.record({
      algorithm: algorithms,
      minLimit: fc.integer({ min: 1, max: 2 }),
      maxLimit: fc.integer({ min: 2, max: 8 }),
      maxQueue: fc.integer({ min: 0, max: 4 }),
      maxQueueWaitMs: fc.constantFrom(undefined, 40),
      windowMs: fc.constantFrom(0, 20),
      minSamples: fc.integer({ min: 1, max: 3 }),
      releaseOn: fc.constantFrom('outcome' as const, 'settled' as const),
    });
    const property = fc.asyncProperty(options, steps, async (given, script) => {
      const clock = new VirtualClock();
      const policy = adaptiveConcurrency({ ...given, clock, random: seededRandom(1) });
      const calls = pipeline({ clock }, policy, timeout({ timeoutMs: 100 }));
      const started: {
        readonly controller: ReturnType<typeof countedController>;
        readonly end: { settled: number };
      }[] = [];
      const check = (): void => {
        expect(policy.limit).toBeGreaterThanOrEqual(given.minLimit);
        expect(policy.limit).toBeLessThanOrEqual(given.maxLimit);
        expect(Number.isInteger(policy.limit)).toBe(true);
        expect(policy.queued).toBeLessThanOrEqual(given.maxQueue);
        if (policy.queued > 0) expect(policy.inflight).toBeGreaterThanOrEqual(policy.limit);
      };
      for (const step of script) {
        if (step.do === 'pass') await clock.advance(step.ms);
        else if (step.do === 'abort') started[step.which]?.controller.controller.abort();
        else {
          const controller = countedController();
          const fn = (): Promise<string> => {
            expect(policy.inflight).toBeLessThanOrEqual(policy.limit);
            const answer = deferred();
            clock.setTimer(step.ms, () => {
              if (step.end === 'answer') answer.resolve('item');
              else answer.reject(Object.assign(new Error('down'), { status: step.end === 'overload' ? 503 : 500 }));
            });
            return answer.promise;
          };
          started.push({ controller, end: watched(calls.execute(fn, { signal: controller.signal })) });
        }
        await microtasks(6);
        check();
      }
      await clock.advance(10_000);
      check();
      expect([policy.inflight, policy.queued, calls.busy, clock.pendingTimers]).toEqual([0, 0, 0, 0]);
      for (const { end, controller } of started) expect([end.settled, controller.listening]).toEqual([1, 0]);
    });
    await fc.assert(property, propertyRuns(150));
  });
});
