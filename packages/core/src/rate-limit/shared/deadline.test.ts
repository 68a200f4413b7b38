/** How long a call may take at most, told in virtual time: nothing that a machine does can make it late here. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { seededRandom } from '../../clock/random.ts';
import { MemoryLimits } from '../test-support/memory-limits.ts';
import { sharedRateLimiter } from './shared-limiter.ts';
import type { SharedRateLimiterOptions } from './options.ts';
import type { SharedRateLimiter } from './shared-rate-limiter.ts';

const STORE_TIMEOUT_MS = 50;

function setUp(more: Partial<SharedRateLimiterOptions> = {}) {
  const clock = new VirtualClock();
  const store = new MemoryLimits(clock);
  const numbers = { limit: 10, periodMs: 1_000, storeTimeoutMs: STORE_TIMEOUT_MS, namespace: 'test' };
  const limiter = sharedRateLimiter({ ...numbers, ...more, store, clock, random: seededRandom(7) });
  return { clock, store, limiter };
}

/** When `call` ended, and how. */
async function ended(clock: VirtualClock, call: Promise<unknown>) {
  const startedAt = clock.now();
  const outcome = call.then(
    () => ({ afterMs: clock.now() - startedAt, error: undefined }),
    (error: unknown) => ({ afterMs: clock.now() - startedAt, error }),
  );
  await clock.advance(10_000);
  return outcome;
}

type Verb = (limiter: SharedRateLimiter) => Promise<unknown>;

const verbs: readonly (readonly [string, Verb])[] = [
  ['tryAcquire', (limiter) => limiter.tryAcquire('a')],
  ['tryAcquire of what settles', (limiter) => limiter.tryAcquire('a', { settles: true })],
  ['check', (limiter) => limiter.check('a')],
  ['acquire that may not wait', (limiter) => limiter.acquire('a', { maxWaitMs: 0 })],
  ['acquire of what settles', (limiter) => limiter.acquire('a', { maxWaitMs: 0, settles: true })],
  ['reserve', (limiter) => limiter.reserve('a')],
  ['feedback', (limiter) => limiter.feedback({ status: 429, headers: refused }, 'a')],
];
const refused = { 'retry-after-ms': '100', 'x-ratelimit-remaining': '0' };

describe.each([false, true])('no call is later than what the store has for an answer; leased: %s', (leased) => {
  describe.each(verbs)('%s', (_name, verb) => {
    it.each([0, 20, 49])('where the store hangs after answers of %i ms', async (latencyMs) => {
      const { clock, store, limiter } = setUp({ leased });
      for (let n = 0; n < 10; n++) await limiter.tryAcquire('a');
      store.behaviour.latencyMs = latencyMs;
      // The first answer still comes; nothing after it does.
      const hangs = clock.setTimer(latencyMs, () => void (store.behaviour.hangs = true));
      const { afterMs } = await ended(clock, verb(limiter));
      hangs.cancel();
      expect(afterMs).toBeLessThanOrEqual(STORE_TIMEOUT_MS);
    });

    it('where every answer takes nearly as long as it may', async () => {
      const { clock, store, limiter } = setUp({ leased });
      for (let n = 0; n < 10; n++) await limiter.tryAcquire('a');
      store.behaviour.latencyMs = STORE_TIMEOUT_MS - 1;
      const { afterMs } = await ended(clock, verb(limiter));
      expect(afterMs).toBeLessThanOrEqual(STORE_TIMEOUT_MS);
    });
  });
});

describe('a call that chose to wait', () => {
  it.each([0, 20, 30, 45])(
    'is never later than that and one answer of the store, whichever takes longer: answers take %i ms',
    async (latencyMs) => {
      for (const maxWaitMs of [10, 40, 60, 100, 150, 250]) {
        const { clock, store, limiter } = setUp({ burst: 1 });
        await limiter.tryAcquire('a');
        store.behaviour.latencyMs = latencyMs;
        const { afterMs } = await ended(clock, limiter.acquire('a', { maxWaitMs }));
        expect(afterMs).toBeLessThanOrEqual(Math.max(maxWaitMs, STORE_TIMEOUT_MS));
      }
    },
  );

  it('gives its place back where the answer has taken the time that was left', async () => {
    const { clock, store, limiter } = setUp({ burst: 1 });
    await limiter.tryAcquire('a');
    store.behaviour.latencyMs = 20;
    // Foreseen after 60 ms, at 20 ms; known at 40 ms; and over at 90 ms.
    const { afterMs, error } = await ended(clock, limiter.acquire('a', { maxWaitMs: 90 }));
    expect({ afterMs, error }).toMatchObject({ afterMs: 40, error: { code: 'RATE_LIMITED', reason: 'wait' } });
    expect(limiter.statistics).toMatchObject({ waiting: 0, refused: 1 });
    store.behaviour.latencyMs = 0;
    expect(store.asked).toContain('cancel');
    expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: true });
  });

  it('is decided by its process where two answers take too long together, and the store is not away for that', async () => {
    const { clock, store, limiter } = setUp({ burst: 1 });
    await limiter.tryAcquire('a');
    store.behaviour.latencyMs = 30;
    const acquired = limiter.acquire('a', { maxWaitMs: 500 });
    await clock.advance(50);
    expect(await acquired).toMatchObject({ allowed: true, degraded: true });
    expect(limiter.storeState).toBe('up');
  });

  it('of many who want a lease, those who find it used up wait for no further answer than their first would have had', async () => {
    const { clock, store, limiter } = setUp({ leased: true, limit: 100, instances: 1 });
    store.behaviour.latencyMs = 40;
    const calls = Array.from({ length: 20 }, () => ended(clock, limiter.tryAcquire('a')));
    for (const { afterMs } of await Promise.all(calls)) expect(afterMs).toBeLessThanOrEqual(STORE_TIMEOUT_MS);
  });
});

it('a refusal of what settles says what refused, and takes nothing though it would fit by then', async () => {
  const { clock, store, limiter } = setUp({ burst: 1 });
  await limiter.tryAcquire('a');
  await clock.advance(80);
  store.behaviour.latencyMs = 15;
  const asked = limiter.tryAcquire('a', { settles: true });
  await clock.advance(30);
  const decision = await asked;
  expect(decision).toMatchObject({ allowed: false, limitName: 'rate-limit', retryAfterMs: 5 });
  store.behaviour.latencyMs = 0;
  expect(await limiter.tryAcquire('a')).toMatchObject({ allowed: true });
});

it('a decision that settles tells what remains after it', async () => {
  const { limiter } = setUp();
  expect(await limiter.tryAcquire('a', { cost: 4, settles: true })).toMatchObject({ allowed: true, remaining: 6 });
});
