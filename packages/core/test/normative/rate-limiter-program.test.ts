/** The program of the design about a local limiter. */
import { rateLimiter } from 'breakwater/rate-limit';
import { VirtualClock } from 'breakwater/testing';
import { expect, it } from 'vitest';

it('a local limiter decides at once, and waits where it is asked to', async () => {
  const clock = new VirtualClock();
  const { signal } = new AbortController();
  const limiter = rateLimiter({ clock, limit: 600, periodMs: 60_000, burst: 20 });
  const decision = limiter.tryAcquire('client-7');
  expect(decision).toMatchObject({ allowed: true, remaining: 19, retryAfterMs: 0 });
  expect(decision).toHaveProperty('limitName');
  expect(decision).toHaveProperty('resetMs');
  await limiter.acquire('client-7', { cost: 3, priority: 'high', signal, maxWaitMs: 2_000 });
  expect(limiter.tryAcquire('client-7')).toMatchObject({ allowed: true, remaining: 15 });
  const slot = limiter.reserve('client-7', { cost: 5, maxWaitMs: 300_000 });
  expect(slot).toMatchObject({ reserved: true, delayMs: 0, executeAt: 0 });
  if (slot.reserved) expect([slot.delayBy(100), slot.delayMs, slot.cancel()]).toEqual([true, 100, true]);
  expect(limiter.reserve('client-7', { cost: 20, maxWaitMs: 100 })).toEqual({
    reserved: false,
    limitName: 'rate-limit',
    retryAfterMs: 400,
    oversize: false,
  });
});
