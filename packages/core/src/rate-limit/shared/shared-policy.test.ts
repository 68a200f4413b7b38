import { expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/index.ts';
import { rateLimit, type RateLimitOptions } from '../index.ts';
import { MemoryLimits } from '../test-support/memory-limits.ts';
import { sharedRateLimiter } from './shared-limiter.ts';
import type { SharedLimiterSettings } from './options.ts';

function setUp(more: Partial<SharedLimiterSettings> = {}, policy: RateLimitOptions = {}) {
  const clock = new VirtualClock();
  const store = new MemoryLimits(clock);
  const limiter = sharedRateLimiter({ store, namespace: 'test', limit: 10, periodMs: 1_000, burst: 1, ...more });
  const calls = pipeline({ clock }, rateLimit(limiter, policy));
  return { clock, store, limiter, calls };
}

it('a pipeline lets calls through at the pace of a shared limiter', async () => {
  const { clock, calls } = setUp();
  const at: number[] = [];
  for (let n = 0; n < 3; n++) void calls.execute(() => at.push(clock.now()));
  await clock.advance(1_000);
  expect(at).toEqual([0, 100, 200]);
  // It looks once more whether its numbers have changed, and then no more until it is used again.
  await clock.advance(2_000);
  expect(clock.pendingTimers).toBe(0);
});

it('a call that may not wait is refused at once, and one that can never go through as what it is', async () => {
  const { calls } = setUp({}, { mode: 'refuse' });
  const told: unknown[] = [];
  calls.on('rate-limited', ({ outcome, retryAfterMs }) => told.push([outcome, retryAfterMs]));
  await calls.execute(() => 1);
  expect(await calls.tryExecute(() => 2)).toMatchObject({
    ok: false,
    attempts: 0,
    error: { code: 'RATE_LIMITED', retryAfterMs: 100 },
  });
  await expect(calls.execute(() => 1, { cost: 2 })).rejects.toMatchObject({ code: 'COST_TOO_LARGE' });
  expect(told).toEqual([
    ['refused', 100],
    ['refused', Infinity],
  ]);
});

it('calls get their turns by their own priority', async () => {
  const { clock, calls } = setUp();
  const order: string[] = [];
  await calls.execute(() => 1);
  for (const priority of ['batch', 'low', 'medium', 'normal', 'high', 'critical'] as const)
    void calls.execute(() => order.push(priority), { priority });
  await clock.advance(1_000);
  expect(order).toEqual(['critical', 'high', 'medium', 'normal', 'low', 'batch']);
});

it('a call that is aborted while it waits gives its place back', async () => {
  const { clock, store, limiter, calls } = setUp();
  await calls.execute(() => 1);
  const abort = new AbortController();
  const call = calls.execute(() => 2, { signal: abort.signal });
  await clock.advance(10);
  expect(limiter.statistics.waiting).toBe(1);
  abort.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
  await clock.advance(0);
  expect([limiter.statistics.waiting, store.asked.at(-1)]).toEqual([0, 'cancel']);
});

it('a call that is aborted while the store is asked takes nothing', async () => {
  const { clock, store, limiter, calls } = setUp({ storeTimeoutMs: 500 });
  store.behaviour.latencyMs = 20;
  const abort = new AbortController();
  const call = calls.execute(() => 2, { signal: abort.signal });
  await clock.advance(10);
  abort.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
  await clock.advance(100);
  store.behaviour.latencyMs = 0;
  expect(await limiter.check()).toMatchObject({ remaining: 1, resetMs: 0 });
});

it('a call is settled by what it has really cost', async () => {
  const { clock, limiter, calls } = setUp({ limit: 100, burst: 100 } as never, {
    key: 'a',
    cost: 50,
    actualCost: () => 5,
  });
  await calls.execute(() => 1);
  await clock.advance(0);
  expect(await limiter.check('a')).toMatchObject({ remaining: 95 });
});

it('an actualCost that throws becomes an event, and leaves the estimate', async () => {
  const actualCost = (): number => {
    throw new Error('unknown');
  };
  const { limiter, calls } = setUp({ limit: 100, burst: 100 } as never, { key: 'a', cost: 50, actualCost });
  const failed: unknown[] = [];
  calls.on('hook-failed', ({ hook }) => failed.push(hook));
  expect(await calls.execute(() => 1)).toBe(1);
  expect(failed).toEqual(['actualCost']);
  expect(await limiter.check('a')).toMatchObject({ remaining: 50 });
});

it('a store that goes away before a call is settled changes nothing for the call', async () => {
  const { store, calls } = setUp({}, { actualCost: () => 0 });
  const done = calls.execute(() => {
    store.behaviour.error = new Error('gone');
    return 'done';
  });
  expect(await done).toBe('done');
});

it('a store that is away fails no call where its share is what counts, and is told through the pipeline', async () => {
  const { store, calls } = setUp();
  const told: unknown[] = [];
  calls.on('limit-store', ({ state }) => told.push(state));
  store.behaviour.error = new Error('gone');
  expect(await calls.execute(() => 1)).toBe(1);
  expect(told).toEqual(['away']);
});

it('a store that is away fails calls as what it is where that is wanted', async () => {
  const { store, calls } = setUp({ onStoreError: 'throw' });
  store.behaviour.error = new Error('gone');
  expect(await calls.tryExecute(() => 1)).toMatchObject({ ok: false, error: { code: 'LIMIT_STORE_UNAVAILABLE' } });
});

it('refuses an option that a shared limiter can not keep', () => {
  expect(() => setUp({}, { client: 'a' })).toThrow(/no key out between clients/);
});
