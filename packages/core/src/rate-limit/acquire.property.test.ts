import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { PRIORITIES, priorityLevel } from '../policy/priority.ts';
import { rateLimiter } from './index.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';

const requests = fc.array(
  fc.record({
    stepMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 })),
    key: fc.constantFrom(undefined, 'a', 'b'),
    cost: fc.integer({ min: 0, max: 4 }),
    priority: fc.constantFrom(...PRIORITIES),
    maxWaitMs: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 1_000 })),
    abortAfterMs: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }),
    now: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);

interface Grant {
  readonly index: number;
  readonly atMs: number;
}

async function play(
  limit: number,
  burst: number,
  asked: readonly (typeof requests extends fc.Arbitrary<infer R> ? R : never)[number][],
) {
  const clock = new VirtualClock();
  const limiter = rateLimiter({ limit, periodMs: 1_000, burst, maxQueue: 20, clock });
  const grants: Grant[] = [];
  const waited: { readonly index: number; readonly queuedAt: number }[] = [];
  let settled = 0;
  const pending: Promise<unknown>[] = [];
  for (const [index, { stepMs, key, cost, priority, maxWaitMs, abortAfterMs, now }] of asked.entries()) {
    await clock.advance(stepMs);
    if (now) {
      if (limiter.tryAcquire(key, { cost, priority }).allowed) grants.push({ index, atMs: clock.now() });
      settled++;
      continue;
    }
    const controller = new AbortController();
    const timer = abortAfterMs === undefined ? undefined : clock.setTimer(abortAfterMs, () => controller.abort());
    const before = limiter.statistics.waiting;
    const done = limiter.acquire(key, { cost, priority, maxWaitMs, signal: controller.signal }).then(
      () => void grants.push({ index, atMs: clock.now() }),
      () => undefined,
    );
    if (limiter.statistics.waiting > before) waited.push({ index, queuedAt: clock.now() });
    pending.push(
      done.finally(() => {
        timer?.cancel();
        settled++;
      }),
    );
  }
  await clock.runAll();
  await Promise.all(pending);
  return { clock, limiter, grants, waited, settled };
}

describe('those who wait, for any requests, waits, priorities and aborts', () => {
  it('all settle, exceed the limit in no window, and leave no timer and no place behind', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 5 }),
        requests,
        async (limit, burst, asked) => {
          const { clock, limiter, grants, settled } = await play(limit, burst, asked);
          expect(settled).toBe(asked.length);
          expect(clock.pendingTimers).toBe(0);
          expect(limiter.statistics).toMatchObject({ waiting: 0, admitted: grants.length });
          for (const key of [undefined, 'a', 'b']) {
            const own = grants.filter(({ index }) => asked[index]!.key === key);
            for (const { atMs } of own) {
              const inWindow = own.filter((other) => other.atMs >= atMs && other.atMs <= atMs + 1_000);
              expect(inWindow.reduce((sum, { index }) => sum + asked[index]!.cost, 0)).toBeLessThanOrEqual(
                limit + burst,
              );
            }
          }
        },
      ),
      propertyRuns(150),
    ));

  it('are never overtaken by one of their own class and key', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 4, max: 6 }),
        requests,
        async (limit, burst, asked) => {
          const { grants, waited } = await play(limit, burst, asked);
          const order = new Map(grants.map(({ index }, position) => [index, position]));
          for (const { index } of waited) {
            const own = order.get(index);
            if (own === undefined) continue;
            const { key, priority } = asked[index]!;
            const later = asked
              .map((request, other) => ({ request, other }))
              .filter(
                ({ request, other }) =>
                  other > index && request.key === key && priorityLevel(request.priority) === priorityLevel(priority),
              );
            for (const { other } of later) expect(order.get(other) ?? Infinity).toBeGreaterThan(own);
          }
        },
      ),
      propertyRuns(150),
    ));
});
