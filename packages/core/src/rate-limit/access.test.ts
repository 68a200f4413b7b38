import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { rateLimiter } from './index.ts';

const options = { limit: 2, periodMs: 1_000 };

describe('lists', () => {
  it('let some keys pass whatever the limit says, and keep others out', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ ...options, allow: ['health'], deny: (key) => key === 'bad', clock });
    for (let times = 0; times < 10; times++) {
      expect(limiter.tryAcquire('health')).toMatchObject({ allowed: true, limitName: 'allow-list' });
      expect(limiter.tryAcquire('bad')).toMatchObject({
        allowed: false,
        limitName: 'deny-list',
        retryAfterMs: Infinity,
      });
    }
    await expect(limiter.acquire('bad')).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      reason: 'denied',
      retryAfterMs: undefined,
    });
    expect(limiter.reserve('bad')).toMatchObject({ reserved: false, limitName: 'deny-list', oversize: false });
    expect(limiter.reserve('health')).toMatchObject({ reserved: true, delayMs: 0 });
    expect(limiter.tryAcquire('other')).toMatchObject({ allowed: true, remaining: 1 });
    expect(limiter.statistics.keys).toBe(1);
  });

  it('of who is denied are stronger than those of who is allowed', () => {
    const limiter = rateLimiter({ ...options, allow: ['a'], deny: ['a'], clock: new VirtualClock() });
    expect(limiter.check('a').limitName).toBe('deny-list');
  });
});

describe('a ban', () => {
  it('refuses a key until it ends, and only that key', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ ...options, clock });
    limiter.ban('a', 5_000);
    expect(limiter.tryAcquire('a')).toMatchObject({ allowed: false, limitName: 'ban', retryAfterMs: 5_000 });
    expect(limiter.tryAcquire('b').allowed).toBe(true);
    await expect(limiter.acquire('a')).rejects.toMatchObject({
      reason: 'denied',
      retryAfterMs: 5_000,
      limitName: 'ban',
    });
    await clock.advance(5_000);
    expect(limiter.tryAcquire('a').allowed).toBe(true);
    expect(limiter.statistics.refusedBy).toEqual({ ban: 2 });
  });

  it('ends with a reset, and needs a duration', () => {
    const limiter = rateLimiter({ ...options, clock: new VirtualClock() });
    limiter.ban('a', Infinity);
    limiter.reset('a');
    expect(limiter.tryAcquire('a').allowed).toBe(true);
    for (const duration of [0, -1, Number.NaN]) expect(() => limiter.ban('a', duration)).toThrow(RangeError);
  });

  it('holds those back who wait already, and lets them go on when it ends', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ ...options, clock });
    limiter.tryAcquire('a', { cost: 2 });
    let at = -1;
    void limiter.acquire('a').then(() => (at = clock.now()));
    limiter.ban('a', 3_000);
    await clock.advance(2_999);
    expect(at).toBe(-1);
    await clock.advance(1);
    expect(at).toBe(3_000);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is one of a bounded number', () => {
    const limiter = rateLimiter({ ...options, maxKeys: 100, clock: new VirtualClock() });
    for (let index = 0; index < 10_000; index++) limiter.ban(`key-${index}`, 60_000 + index);
    let banned = 0;
    for (let index = 0; index < 10_000; index++) if (!limiter.check(`key-${index}`).allowed) banned++;
    expect(banned).toBe(100);
  });
});

describe('shadow mode', () => {
  it('refuses nothing, makes nobody wait, and tells what it would have refused', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ ...options, shadow: true, clock });
    const events: unknown[] = [];
    limiter.events.on('limit-refused', ({ key, limitName, shadow, retryAfterMs }) =>
      events.push([key, limitName, shadow, retryAfterMs]),
    );
    const decisions = [1, 2, 3].map(() => limiter.tryAcquire('a'));
    expect(decisions.map(({ allowed, shadow }) => [allowed, shadow])).toEqual([
      [true, false],
      [true, false],
      [true, true],
    ]);
    expect(await limiter.acquire('a')).toMatchObject({ allowed: true, shadow: true });
    expect(limiter.reserve('a')).toMatchObject({ reserved: true });
    expect(limiter.reserve('a', { maxWaitMs: 0 })).toMatchObject({ reserved: true, delayMs: 0 });
    expect(events.slice(0, 2)).toEqual([
      ['a', 'rate-limit', true, 500],
      ['a', 'rate-limit', true, 500],
    ]);
    expect(limiter.statistics).toMatchObject({ admitted: 4, refused: 0, shadowRefused: 3 });
    expect(clock.pendingTimers).toBe(0);
  });
});
