/** What must hold for shared limits on a real Redis, whatever happens to them. */
import {
  gcra,
  redisLimits,
  shardedRateLimiter,
  type SharedReservation,
  slidingLog,
  slidingWindow,
} from 'breakwater/rate-limit';
import { asyncProperty, assert, integer, array, nat, oneof, record, constant } from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { propertyRuns } from '../../src/testing/test-support/property-runs.ts';
import { redisMissing } from '../cache/redis-server.ts';
import { RedisBench } from './redis-limits.ts';

let bench: RedisBench;
beforeAll(async () => {
  if (redisMissing === undefined) bench = await RedisBench.start();
});
afterEach(async () => {
  await bench?.clear();
});
afterAll(async () => {
  await bench?.stop();
});

/** One token a minute: what passes while a test runs is nothing beside it. */
const TOKEN_MS = 60_000;
const BURST = 4;
const numbers = { limit: 60, periodMs: 60 * TOKEN_MS, burst: BURST };
/** A test is quicker than that. */
const TOLERANCE_MS = TOKEN_MS / 10;

const steps = array(
  oneof(
    record({ verb: constant('reserve' as const), cost: integer({ min: 1, max: BURST }), by: nat(3) }),
    record({ verb: constant('cancel' as const), cost: nat(20), by: nat(0) }),
    record({ verb: constant('delay' as const), cost: nat(20), by: integer({ min: 0, max: 10 }) }),
    record({ verb: constant('take' as const), cost: integer({ min: 1, max: BURST }), by: nat(0) }),
  ),
  { minLength: 1, maxLength: 25 },
);

interface Taken {
  readonly atMs: number;
  readonly cost: number;
}

/** Whether everything fits into a bucket of its own, each at its time. */
function overdrawnMs(all: readonly Taken[]): number {
  let tat = -Infinity;
  let worst = 0;
  for (const { atMs, cost } of all.toSorted((one, other) => one.atMs - other.atMs)) {
    tat = Math.max(tat, atMs) + cost * TOKEN_MS;
    worst = Math.max(worst, tat - atMs - BURST * TOKEN_MS);
  }
  return worst;
}

describe.skipIf(redisMissing !== undefined)('shared limits on Redis', () => {
  it(
    'reservations of two processes never share a slot, and what is cancelled leaves no trace',
    { timeout: 120_000 },
    async () => {
      const limiters = [await bench.limiter(numbers), await bench.limiter(numbers)] as const;
      let keys = 0;
      const schedule = asyncProperty(steps, async (all) => {
        const key = `key-${keys++}`;
        const held: SharedReservation[] = [];
        const taken: Taken[] = [];
        const startedAt = performance.now();
        const trace = { costs: 0 };
        for (const [n, { verb, cost, by }] of all.entries()) {
          const limiter = limiters[n % 2]!;
          if (verb === 'take') {
            const { allowed } = await limiter.tryAcquire(key, { cost });
            if (allowed) taken.push({ atMs: performance.now(), cost });
            if (allowed) trace.costs += cost;
          } else if (verb === 'reserve') {
            const made = await limiter.reserve(key, { cost });
            if (made.reserved) held.push(made);
          } else if (held.length > 0) {
            const [slot] = verb === 'cancel' ? held.splice(cost % held.length, 1) : [held[cost % held.length]];
            expect(verb === 'cancel' ? await slot!.cancel() : await slot!.delayBy(by * TOKEN_MS)).toBe(true);
          }
          const slots = held.map((slot) => ({ atMs: slot.executeAt, cost: slot.cost as number }));
          expect(overdrawnMs([...taken, ...slots])).toBeLessThan(TOLERANCE_MS);
        }
        for (const slot of held) expect(await slot.cancel()).toBe(true);
        const { resetMs } = await limiters[0].check(key);
        const passedMs = performance.now() - startedAt;
        expect(resetMs).toBeLessThanOrEqual(trace.costs * TOKEN_MS);
        expect(resetMs).toBeGreaterThanOrEqual(trace.costs * TOKEN_MS - passedMs - 10);
        const size = await bench.bare.strlen(`{test 0:${key}}:rate-limit`);
        expect(size).toBeLessThan(30);
      });
      await assert(schedule, propertyRuns(60));
    },
  );

  it.each([600, 900, 3_000])(
    'let through %i a second in the long run, within one in a hundred',
    { timeout: 30_000 },
    async (limit) => {
      const limiter = await bench.limiter({ limit, periodMs: 1_000 });
      const sentFirstAt = performance.now();
      let answeredFirstAt = 0;
      let [sentLastAt, answeredLastAt] = [0, 0];
      const perMs = limit / 1_000;
      let count = 0;
      // A machine that is busy may keep us from asking until the bucket is full, and what it can't hold is lost.
      let [missing, lost] = [0, 0];
      // What is there in the end is taken before it ends.
      for (let wasRefused = false; !wasRefused || performance.now() - sentFirstAt < 1_500;) {
        sentLastAt = performance.now();
        const answers = await Promise.all(Array.from({ length: 16 }, () => limiter.tryAcquire('hot')));
        const allowed = answers.filter((answer) => answer.allowed).length;
        count += allowed;
        wasRefused = allowed < answers.length;
        const refill = answeredFirstAt === 0 ? 0 : perMs * (performance.now() - answeredLastAt);
        lost += Math.max(0, refill - missing);
        missing = Math.max(0, missing - refill) + allowed;
        answeredLastAt = performance.now();
        answeredFirstAt ||= answeredLastAt;
      }
      expect(count).toBeLessThanOrEqual(1.01 * (limit + perMs * (answeredLastAt - sentFirstAt)) + 1);
      expect(count).toBeGreaterThanOrEqual(0.99 * (limit + perMs * (sentLastAt - answeredFirstAt) - lost) - 16);
    },
  );

  it.each([
    { algorithm: gcra, most: 30 },
    { algorithm: slidingLog, most: 20 },
    { algorithm: slidingWindow, most: 40 },
  ])(
    'admit what $algorithm.kind promises in any window, for random costs',
    { timeout: 30_000 },
    async ({ algorithm, most }) => {
      const burst = algorithm === gcra ? { burst: 10 } : {};
      const limiter = await bench.limiter({ limit: 20, periodMs: 100, algorithm, ...burst });
      const admitted: { sent: number; received: number; cost: number }[] = [];
      const startedAt = performance.now();
      for (let n = 0; performance.now() - startedAt < 600; n++) {
        const cost = 1 + ((n * 7) % 5);
        const sent = performance.now();
        const { allowed } = await limiter.tryAcquire('hot', { cost });
        if (allowed) admitted.push({ sent, received: performance.now(), cost });
      }
      for (const { sent: from } of admitted) {
        const within = admitted.filter(({ sent, received }) => sent >= from && received < from + 99);
        expect(within.reduce((sum, { cost }) => sum + cost, 0)).toBeLessThanOrEqual(most);
      }
      expect(admitted.length).toBeGreaterThan(10);
    },
  );

  it(
    'shards of three processes together let through what the whole limit does, and nearly all of it',
    { timeout: 30_000 },
    async () => {
      const limit = 101;
      const fleet = await Promise.all(
        Array.from({ length: 3 }, async () => {
          const stores = await Promise.all(Array.from({ length: 4 }, async () => redisLimits(await bench.port())));
          return shardedRateLimiter({
            stores,
            limit,
            periodMs: 3_600_000,
            namespace: 'sharded',
            storeTimeoutMs: 5_000,
            onStoreError: 'throw',
          });
        }),
      );
      const costs = await Promise.all(
        fleet.map(async (limiter, at) => {
          let sum = 0;
          for (let n = 0; n < 60; n++) {
            const cost = 1 + ((n + at) % 4);
            if ((await limiter.tryAcquire('hot', { cost })).allowed) sum += cost;
          }
          return sum;
        }),
      );
      const admitted = costs.reduce((sum, each) => sum + each, 0);
      expect(admitted).toBeLessThanOrEqual(limit);
      // What one gives back while it puts parts together another may just have missed.
      expect(admitted).toBeGreaterThan(0.9 * limit);
      for (const limiter of fleet) await limiter.close();
    },
  );
});
