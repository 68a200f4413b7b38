import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { Priority } from '../policy/priority.ts';
import { isBreakwaterError } from '../errors/breakwater-error.ts';
import { type AcquireWaitOptions, rateLimiter, type RateLimiterOptions } from './index.ts';

/** A limiter of one per 100 ms whose first token is gone, and a log of who came through when. */
function busyLimiter(more: Partial<RateLimiterOptions> = {}) {
  const clock = new VirtualClock();
  const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 1, clock, ...more });
  limiter.tryAcquire();
  const log: string[] = [];
  const ask = (name: string, options: AcquireWaitOptions = {}, key?: string): Promise<void> =>
    limiter.acquire(key, options).then(
      () => void log.push(`${name} ${clock.now()}`),
      (error: unknown) =>
        void log.push(`${name} ${isBreakwaterError(error) ? error.code : String(error)} ${clock.now()}`),
    );
  return { clock, limiter, log, ask };
}

describe('acquire', () => {
  it('comes back at once when there is enough', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, clock });
    expect(await limiter.acquire('a', { cost: 3 })).toMatchObject({ allowed: true, remaining: 7 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('waits for its turn, first in first out, with one timer however many wait', async () => {
    const { clock, log, ask, limiter } = busyLimiter();
    for (const name of ['a', 'b', 'c', 'd']) void ask(name);
    expect(clock.pendingTimers).toBe(1);
    expect(limiter.statistics).toMatchObject({ waiting: 4, queued: 4 });
    await clock.advance(250);
    expect(log).toEqual(['a 100', 'b 200']);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(150);
    expect(log).toEqual(['a 100', 'b 200', 'c 300', 'd 400']);
    expect(clock.pendingTimers).toBe(0);
    expect(limiter.statistics).toMatchObject({ waiting: 0, admitted: 5, refused: 0, waitedMs: 1_000 });
  });

  it('keeps one timer for all keys and serves each key by its own budget', async () => {
    const { clock, log, ask, limiter } = busyLimiter();
    for (const key of ['x', 'y', 'z']) {
      limiter.tryAcquire(key);
      await clock.advance(10);
    }
    for (const key of ['z', 'x', 'y']) void ask(key, {}, key);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1_000);
    expect(log).toEqual(['x 100', 'y 110', 'z 120']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('serves the more urgent first, never LOW before HIGH, and each class in its order', async () => {
    const { clock, log, ask } = busyLimiter();
    const asked: Priority[] = [
      'batch',
      'low',
      'high',
      'normal',
      'critical',
      'high',
      'medium',
      'low',
      'critical',
      'batch',
    ];
    for (const [index, priority] of asked.entries()) void ask(`${priority}${index}`, { priority });
    await clock.advance(1_000);
    expect(log.map((line) => line.split(' ')[0])).toEqual([
      'critical4',
      'critical8',
      'high2',
      'high5',
      'normal3',
      'medium6',
      'low1',
      'low7',
      'batch0',
      'batch9',
    ]);
  });

  it('is not overtaken by a newcomer of its own class, neither by acquire nor by tryAcquire', async () => {
    const { clock, log, ask, limiter } = busyLimiter({ burst: 5 });
    limiter.tryAcquire(undefined, { cost: 4 });
    void ask('large', { cost: 5 });
    await clock.advance(300);
    void ask('small', { cost: 1 });
    expect(limiter.tryAcquire()).toMatchObject({ allowed: false, retryAfterMs: 400 });
    expect(limiter.check()).toMatchObject({ allowed: false, retryAfterMs: 400 });
    await clock.advance(1_000);
    expect(log).toEqual(['large 500', 'small 600']);
  });

  it('lets a more urgent newcomer pass those who wait', async () => {
    const { clock, log, ask, limiter } = busyLimiter({ burst: 5 });
    limiter.tryAcquire(undefined, { cost: 4 });
    void ask('large', { cost: 5 });
    await clock.advance(300);
    void ask('urgent', { priority: 'high' });
    expect(limiter.tryAcquire(undefined, { priority: 'critical' }).allowed).toBe(true);
    await clock.advance(1_000);
    expect(log).toEqual(['urgent 300', 'large 700']);
  });

  it('never starves the lowest class: of fifty turns one is its own', async () => {
    const { clock, log, ask } = busyLimiter();
    void ask('batch', { priority: 'batch' });
    let urgent = 0;
    for (; urgent < 3; urgent++) void ask('high', { priority: 'high' });
    for (let tick = 0; tick < 100; tick++) {
      void ask('high', { priority: 'high' });
      await clock.advance(100);
    }
    expect(log.indexOf('batch 5000')).toBe(49);
    expect(log).toHaveLength(100);
  });

  it('gives the turn of the less urgent to whoever of them has waited longest', async () => {
    const { clock, log, ask } = busyLimiter();
    void ask('batch', { priority: 'batch' });
    void ask('low', { priority: 'low' });
    for (let times = 0; times < 200; times++) void ask('high', { priority: 'high' });
    await clock.advance(10_000);
    expect(log.filter((line) => !line.startsWith('high'))).toEqual(['batch 5000', 'low 10000']);
  });

  it('is refused at once when the predicted wait is longer than allowed, and says how long it is', async () => {
    const { clock, limiter, ask } = busyLimiter();
    void ask('first');
    await expect(limiter.acquire(undefined, { maxWaitMs: 199 })).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      category: 'rate_limit',
      retryAfterMs: 200,
      reason: 'wait',
    });
    await expect(limiter.acquire(undefined, { maxWaitMs: 0 })).rejects.toMatchObject({
      reason: 'limit',
      retryAfterMs: 200,
    });
    const second = limiter.acquire(undefined, { maxWaitMs: 200 });
    await clock.advance(200);
    expect((await second).allowed).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('predicts by those who come before it: the more urgent and its own class, not the others', async () => {
    const { limiter, ask } = busyLimiter({ burst: 3 });
    limiter.tryAcquire(undefined, { cost: 2 });
    void ask('low', { priority: 'low', cost: 3 });
    void ask('high', { priority: 'high', cost: 2 });
    await expect(limiter.acquire(undefined, { maxWaitMs: 1 })).rejects.toMatchObject({ retryAfterMs: 300 });
    await expect(limiter.acquire(undefined, { maxWaitMs: 1, priority: 'low' })).rejects.toMatchObject({
      retryAfterMs: 600,
    });
    await expect(limiter.acquire(undefined, { maxWaitMs: 1, priority: 'critical' })).rejects.toMatchObject({
      retryAfterMs: 100,
    });
  });

  it('is refused when more urgent newcomers have made its wait too long, and is not given anything after that', async () => {
    const { clock, log, ask, limiter } = busyLimiter();
    void ask('low', { priority: 'low', maxWaitMs: 150 });
    for (let times = 0; times < 2; times++) void ask('high', { priority: 'high' });
    await clock.advance(1_000);
    expect(log).toEqual(['high 100', 'low RATE_LIMITED 150', 'high 200']);
    expect(limiter.statistics).toMatchObject({ admitted: 3, refused: 1 });
    expect(limiter.check().allowed).toBe(true);
  });

  it('is refused at once when too many wait', async () => {
    const { clock, limiter, ask } = busyLimiter({ maxQueue: 2 });
    void ask('a');
    void ask('b', {}, 'b');
    limiter.tryAcquire('b');
    void ask('c', {}, 'b');
    await expect(limiter.acquire()).rejects.toMatchObject({ code: 'RATE_LIMITED', reason: 'queue', retryAfterMs: 200 });
    await clock.advance(1_000);
    expect(limiter.statistics.waiting).toBe(0);
  });

  it('never waits for a cost that can never fit', async () => {
    const { clock, limiter } = busyLimiter({ burst: 5 });
    await expect(limiter.acquire(undefined, { cost: 6 })).rejects.toMatchObject({
      code: 'COST_TOO_LARGE',
      cost: 6,
      maxCost: 5,
      retryAfterMs: undefined,
    });
    expect(clock.pendingTimers).toBe(0);
    await expect(limiter.acquire(undefined, { cost: Number.NaN })).rejects.toThrow(RangeError);
  });

  it('rejects without a stack, because it may happen thousands of times a second', async () => {
    const { limiter } = busyLimiter();
    const error: unknown = await limiter.acquire(undefined, { maxWaitMs: 0 }).catch((thrown: unknown) => thrown);
    expect((error as Error).stack?.includes('\n    at ') ?? false).toBe(false);
  });

  it('leaves the queue at once when it is aborted, and those behind it move up', async () => {
    const { clock, log, ask, limiter } = busyLimiter();
    const controller = new AbortController();
    void ask('a', { signal: controller.signal });
    void ask('b');
    await clock.advance(50);
    controller.abort('enough');
    await clock.advance(0);
    expect(log).toEqual(['a enough 50']);
    await clock.advance(50);
    expect(log).toEqual(['a enough 50', 'b 100']);
    expect(limiter.statistics).toMatchObject({ withdrawn: 1, waitedMs: 150 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not begin with a signal that is aborted already', async () => {
    const { limiter } = busyLimiter();
    await expect(limiter.acquire('new', { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    expect(limiter.statistics.keys).toBe(0);
  });

  it('puts one listener on a signal, however many wait, and none is left', async () => {
    const { clock, limiter } = busyLimiter({ maxQueue: Infinity });
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    const waiting = Array.from({ length: 1_000 }, () => limiter.acquire(undefined, { signal }));
    expect(listeners).toBe(1);
    void waiting.pop()!.catch(() => undefined);
    await clock.advance(99_900);
    controller.abort('stop');
    await Promise.allSettled(waiting);
    expect(listeners).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('aborts 100,000 who wait in one go', async () => {
    const { clock, limiter } = busyLimiter({ maxQueue: Infinity });
    const controller = new AbortController();
    let rejected = 0;
    for (let index = 0; index < 100_000; index++) {
      limiter.acquire(undefined, { signal: controller.signal }).catch(() => rejected++);
    }
    controller.abort();
    await clock.advance(0);
    expect(rejected).toBe(100_000);
    expect(limiter.statistics).toMatchObject({ waiting: 0, withdrawn: 100_000 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives back a place, never a token: whoever cancels and asks again gains nothing', async () => {
    const { clock, limiter } = busyLimiter();
    let admitted = 0;
    for (let ms = 0; ms < 1_000; ms += 10) {
      const controller = new AbortController();
      limiter.acquire(undefined, { signal: controller.signal }).then(
        () => admitted++,
        () => undefined,
      );
      await clock.advance(5);
      controller.abort();
      await clock.advance(5);
    }
    expect(admitted).toBeLessThanOrEqual(10);
  });

  it('waits for 30 days without a timer that fires at once', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 1, periodMs: 30 * 86_400_000, clock });
    limiter.tryAcquire();
    let at = -1;
    void limiter.acquire().then(() => (at = clock.now()));
    await clock.advance(29 * 86_400_000);
    expect(at).toBe(-1);
    await clock.advance(86_400_000);
    expect(at).toBe(30 * 86_400_000);
  });

  it('goes on when the key is reset', async () => {
    const { clock, log, ask, limiter } = busyLimiter();
    void ask('a');
    void ask('b');
    await clock.advance(10);
    limiter.reset();
    await clock.advance(0);
    expect(log).toEqual(['a 10']);
    await clock.advance(100);
    expect(log).toEqual(['a 10', 'b 110']);
  });
});
