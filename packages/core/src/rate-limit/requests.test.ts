import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { rejection } from '../testing/test-support/watched.ts';
import { openaiLimits, rateLimit, rateLimiter, slidingLog } from './index.ts';

describe('what a limiter can not mean', () => {
  const limiter = rateLimiter({ limit: 1, periodMs: 1_000, clock: new VirtualClock() });

  it('is refused with what it should have been: waits, priorities, times to expire, bans', async () => {
    await expect(limiter.acquire('a', { maxWaitMs: -1 })).rejects.toThrow(/maxWaitMs must be .* at least 0, not -1/);
    expect(() => limiter.tryAcquire('a', { priority: 'urgent' as never })).toThrow(/not a priority: urgent/);
    expect(() => limiter.reserve('a', { expiresMs: Number.NaN })).toThrow(/expiresMs must be .* not NaN/);
    expect(() => limiter.ban('a', 0)).toThrow(/above 0, not 0/);
    expect(() => limiter.update({ limit: 2 }, 'hour')).toThrow(/no limit is called hour; there is rate-limit/);
    expect(limiter.check('a')).toMatchObject({ allowed: true, remaining: 1 });
  });

  it('is refused where a debt would have no end, and nothing is charged', () => {
    const clock = new VirtualClock();
    const own = rateLimiter({ limit: 5, periodMs: 1_000, clock });
    const estimated = own.tryAcquire('a', { settles: true });
    expect(() => own.penalise('a', Infinity)).toThrow(/charged must be finite/);
    expect(() => own.settle(estimated, { 'rate-limit': Infinity })).toThrow(/charged must be finite/);
    expect(own.check('a').remaining).toBe(4);
    expect(own.settle(estimated, 0)).toBe(true);
    own.reward('a', Infinity);
    expect(own.check('a').remaining).toBe(5);
  });

  it('names the limits that a bound of the queue may speak of, and bounds that are none', () => {
    const limits = [
      { name: 'requests', limit: 1, periodMs: 1_000 },
      { name: 'tokens', limit: 10, periodMs: 1_000 },
    ];
    const make = () => rateLimiter({ limits, maxQueueCost: { words: 1, tokens: -1 } });
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(/maxQueueCost.words: expected one of requests, tokens/);
    expect(make).toThrow(/maxQueueCost.tokens: expected a number of at least 0/);
  });

  it('tells of bursts that could not be counted to the last part of a microsecond', () => {
    expect(() => rateLimiter({ limit: 999_999_937, periodMs: 1_000_000_000, burst: 1e12 })).toThrow(
      /burst: expected a burst small enough to count exactly/,
    );
  });
});

describe('a limiter', () => {
  it('lets others pass the one whose own bound of a queue is full', async () => {
    const clock = new VirtualClock();
    const limits = [
      { name: 'requests', limit: 1, periodMs: 1_000 },
      { name: 'tokens', limit: 100, periodMs: 1_000 },
    ];
    const limiter = rateLimiter({ limits, maxQueueCost: { tokens: 5 }, clock });
    limiter.tryAcquire('a');
    const waiting = limiter.acquire('a', { cost: { tokens: 5 } });
    expect(await rejection(limiter.acquire('a', { cost: { tokens: 1 } }))).toMatchObject({ reason: 'queue' });
    await clock.advance(1_000);
    expect(await waiting).toMatchObject({ allowed: true });
  });

  it('tells a newcomer that can never fit so, and not how long the others wait', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, clock });
    limiter.tryAcquire('a');
    const waiting = limiter.acquire('a');
    expect(limiter.check('a', { cost: 2 })).toMatchObject({ allowed: false, oversize: true, retryAfterMs: Infinity });
    await clock.advance(1_000);
    await waiting;
  });

  it('forgets what was taken under a reservation that is still held, and gives nothing back of it after', () => {
    const limiter = rateLimiter({ limit: 4, periodMs: 1_000, algorithm: slidingLog, clock: new VirtualClock() });
    const slot = limiter.reserve('a', { cost: 3 });
    limiter.reset('a');
    expect(limiter.check('a')).toMatchObject({ remaining: 4 });
    limiter.tryAcquire('a', { cost: 2 });
    expect(slot.reserved && slot.cancel()).toBe(true);
    expect(limiter.check('a')).toMatchObject({ remaining: 2 });
  });

  it('ends a call of a pipeline that it drops for another by its own error', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, maxQueue: 1, onFull: 'drop-oldest', clock });
    const calls = pipeline({ clock }, rateLimit(limiter, { maxWaitMs: 10_000 }));
    const outcomes: string[] = [];
    calls.on('rate-limited', ({ outcome }) => outcomes.push(outcome));
    await calls.execute(async () => 'first');
    const dropped = rejection(calls.execute(async () => 'second'));
    const last = calls.execute(async () => 'third');
    // It would come after the one that it has made room for.
    expect(await dropped).toMatchObject({ code: 'RATE_LIMITED', reason: 'dropped', retryAfterMs: 2_000 });
    expect(outcomes).toEqual(['queued', 'refused', 'queued']);
    await clock.advance(1_000);
    expect(await last).toBe('third');
  });
});

describe('the limits of an LLM account', () => {
  it('have a limit per day where the account has one', () => {
    const names = (quota: Parameters<typeof openaiLimits>[0]) => openaiLimits(quota).map(({ name }) => name);
    const minute = { requestsPerMinute: 10, tokensPerMinute: 1_000 };
    expect(names({ ...minute, requestsPerDay: 100 })).toEqual([...names(minute), 'day']);
  });
});
