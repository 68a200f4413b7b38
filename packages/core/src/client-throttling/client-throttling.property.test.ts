import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { clientThrottling } from './client-throttling.ts';

const WINDOW_MS = 4_000;
const STEP_MS = WINDOW_MS / 40;

const script = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 250 }), fc.constant(0), fc.constant(9_000)),
    accepted: fc.boolean(),
  }),
  { minLength: 1, maxLength: 150 },
);

describe('client throttling, whatever the traffic', () => {
  it('refuses whom a list of all calls and the same random numbers refuse', async () => {
    const property = fc.asyncProperty(
      script,
      fc.integer({ min: 0, max: 1_000 }),
      fc.constantFrom(1, 1.1, 2, 5),
      async (calls, seed, k) => {
        const clock = new VirtualClock();
        const policy = clientThrottling({ clock, random: seededRandom(seed), k, windowMs: WINDOW_MS });
        const throttled = pipeline(policy);
        const random = seededRandom(seed);
        const log: { readonly at: number; readonly accepted: boolean }[] = [];
        for (const { afterMs, accepted } of calls) {
          if (afterMs > 0) await clock.advance(afterMs);
          const now = clock.now();
          const oldest = (Math.floor(now / STEP_MS) - 39) * STEP_MS;
          const counted = log.filter(({ at }) => at >= oldest);
          const accepts = counted.filter((call) => call.accepted).length;
          const ratio = Math.max(0, (counted.length - k * accepts) / (counted.length + 1));
          expect([policy.requests, policy.accepts, policy.rejectionRatio]).toEqual([counted.length, accepts, ratio]);
          const refuses = ratio > 0 && random.next() < ratio;
          const { attempts } = await throttled.tryExecute(() => {
            if (!accepted) throw Object.assign(new Error('busy'), { statusCode: 429 });
          });
          expect(attempts).toBe(refuses ? 0 : 1);
          log.push({ at: now, accepted: accepted && !refuses });
        }
        expect(clock.pendingTimers).toBe(0);
      },
    );
    await fc.assert(property, propertyRuns(100));
  });
});
