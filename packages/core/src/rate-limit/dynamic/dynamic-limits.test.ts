import { describe, expect, it } from 'vitest';
import type { Clock } from '../../clock/clock.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/index.ts';
import { dynamicLimits, type DynamicLimitsOptions, type EndpointOutcome, rateLimit } from '../index.ts';
import { EventLoopDelay } from '../../load/event-loop-delay.ts';
import { timeout } from '../../timeout/index.ts';

function make(more: Partial<DynamicLimitsOptions> = {}) {
  const clock = new VirtualClock();
  const limits = dynamicLimits({ minLimit: 10, maxLimit: 1_000, initialLimit: 100, load: () => 0, clock, ...more });
  const limit = (): number | undefined => limits.statistics('/a')?.limit;
  const interval = async (outcome: Partial<EndpointOutcome>, times = 10): Promise<number | undefined> => {
    limits.limiter('/a');
    await clock.advance(1_000);
    for (let each = 0; each < times; each++) limits.record('/a', { ok: true, durationMs: 10, ...outcome });
    return limit();
  };
  return { clock, limits, limit, interval };
}

const refusal = { ok: false, response: { status: 429, headers: { 'retry-after': '3' } } } as const;

describe('a dynamic limit', () => {
  it('rises by a tenth while all is well, and falls by a tenth with failures, within its bounds', async () => {
    const { interval, limits } = make({ minLimit: 95, maxLimit: 120 });
    expect([await interval({}), await interval({}), await interval({})]).toEqual([110, 120, 120]);
    expect(await interval({ ok: false })).toBe(108);
    expect([await interval({ ok: false }), await interval({ ok: false })]).toEqual([97, 95]);
    expect(limits.statistics('/a')).toMatchObject({
      raised: 2,
      lowered: 3,
      lastReason: 'errors',
      failures: 30,
      outcomes: 60,
    });
    expect(limits.limiter('/a').limits[0]!.limit).toBe(95);
  });

  it('falls when answers are slower than the target, many wait, or the program is loaded', async () => {
    const slow = make({ targetMs: 50 });
    expect([await slow.interval({ durationMs: 50 }), await slow.interval({ durationMs: 51 })]).toEqual([110, 99]);
    const queue = make({ maxQueueDepth: 1 });
    for (let times = 0; times < 2; times++) void queue.limits.limiter('/a').acquire(undefined, { cost: 100 });
    void queue.limits.limiter('/a').acquire(undefined, { cost: 100 });
    void queue.limits.limiter('/a').acquire(undefined, { cost: 100 });
    expect(await queue.interval({})).toBe(90);
    expect(queue.limits.statistics('/a')!.lastReason).toBe('queue');
    const loaded = make({ load: () => 101 });
    expect(await loaded.interval({})).toBe(90);
    expect(loaded.limits.statistics('/a')!.lastReason).toBe('load');
  });

  it('is adjusted at most once an interval, and only on enough outcomes', async () => {
    const { interval, limits, limit, clock } = make();
    expect(await interval({}, 9)).toBe(100);
    limits.record('/a', { ok: true, durationMs: 1 });
    expect(limit()).toBe(110);
    for (let times = 0; times < 100; times++) limits.record('/a', { ok: true, durationMs: 1 });
    expect(limit()).toBe(110);
    await clock.advance(1_000);
    limits.record('/a', { ok: true, durationMs: 1 });
    expect(limit()).toBe(121);
  });

  it('falls by three tenths on a refusal, once for a burst of them, and holds as long as the server wants', async () => {
    const { limits, limit, interval, clock } = make();
    limits.limiter('/a');
    for (let times = 0; times < 50; times++) limits.record('/a', { durationMs: 1, ...refusal });
    expect(limit()).toBe(70);
    expect(limits.limiter('/a').check()).toMatchObject({ allowed: false, limitName: 'pause', retryAfterMs: 3_000 });
    await clock.advance(250);
    limits.record('/a', { durationMs: 1, ...refusal });
    expect(limit()).toBe(49);
    expect([await interval({}), await interval({})]).toEqual([49, 49]);
    // Then in small steps up to where it was refused, and in large ones beyond.
    expect([await interval({}), await interval({}), await interval({}), await interval({})]).toEqual([59, 69, 79, 87]);
    expect(limits.statistics('/a')!.refusals).toBe(51);
  });

  it('is one for each endpoint, of which a bounded number is remembered', async () => {
    const { limits, interval } = make({ maxEndpoints: 2 });
    await interval({});
    limits.limiter('/b');
    limits.limiter('/a');
    limits.limiter('/c');
    expect([limits.statistics('/a')?.limit, limits.statistics('/b'), limits.statistics('/c')?.limit]).toEqual([
      110,
      undefined,
      100,
    ]);
  });

  it('can be exported, and hydrates another process within its own bounds', async () => {
    const { limits, interval } = make();
    await interval({});
    limits.limiter('/b');
    const learned = JSON.parse(JSON.stringify(limits.export())) as ReturnType<typeof limits.export>;
    const other = make({ maxLimit: 105 }).limits;
    other.hydrate(learned);
    expect(other.export()).toEqual({ version: 1, limits: { '/a': 105, '/b': 100 } });
    expect(other.limiter('/a').limits[0]!.limit).toBe(105);
    expect(() => other.hydrate({ version: 2 } as never)).toThrow(RangeError);
    expect(() => other.hydrate({ version: 1, limits: { '/x': 'many' } } as never)).toThrow(/\/x is no integer/);
  });

  it('learns from the calls of a pipeline, not from those that never ran or were cancelled', async () => {
    const { limits, clock } = make();
    const calls = pipeline({ clock }, rateLimit(limits.limiter('/a'), { key: 'all' }), limits.observe('/a'));
    await calls.execute(() => ({ status: 200, headers: {} }));
    await calls.tryExecute(() =>
      Promise.reject(Object.assign(new Error('no'), { status: 429, headers: { 'retry-after': '1' } })),
    );
    const controller = new AbortController();
    const cancelled = calls.tryExecute(() => new Promise(() => undefined), { signal: controller.signal });
    controller.abort();
    await cancelled;
    await calls.tryExecute(() => 1, { deadlineMs: 0 });
    expect(limits.statistics('/a')).toMatchObject({ outcomes: 2, failures: 1, refusals: 1, limit: 70 });
  });

  it('takes an answer for a response only where it has a status and headers', async () => {
    const { limits, clock } = make();
    const calls = pipeline({ clock }, limits.observe('/a'));
    for (const value of [
      undefined,
      null,
      'text',
      { status: '429', headers: {} },
      { status: 429 },
      { status: 429, headers: null },
    ])
      await calls.execute(() => value);
    expect(limits.statistics('/a')).toMatchObject({ outcomes: 6, failures: 0, refusals: 0, limit: 100 });
  });

  it('counts a call that runs out of time outside as a failure, though nobody has answered', async () => {
    const { limits, clock } = make();
    const calls = pipeline({ clock }, timeout({ timeoutMs: 50 }), limits.observe('/a'));
    const call = calls.tryExecute(() => new Promise(() => undefined));
    await clock.advance(50);
    await call;
    expect(limits.statistics('/a')).toMatchObject({ outcomes: 1, failures: 1 });
  });

  it('hydrates no more endpoints than it may remember', () => {
    const { limits } = make({ maxEndpoints: 2 });
    limits.hydrate({ version: 1, limits: { '/1': 90, '/2': 90, '/3': 90 } });
    expect(Object.keys(limits.export().limits)).toEqual(['/1', '/2']);
    expect(() => limits.hydrate({ version: 1, limits: null } as never)).toThrow(RangeError);
  });

  it('goes by the time of the system where it is given no clock', () => {
    const limits = dynamicLimits({ minLimit: 1, maxLimit: 5, initialLimit: 2, load: () => 0 });
    limits.record('/a', { ok: true, durationMs: 1 });
    expect(limits.limiter('/a').tryAcquire('k', { cost: 2 }).allowed).toBe(true);
    expect(limits.statistics('/a')).toMatchObject({ outcomes: 1, limit: 2 });
  });

  it('is refused with options that can not be meant', () => {
    expect(() => dynamicLimits({ minLimit: 10, maxLimit: 9 })).toThrow(/dynamicLimits.maxLimit/);
    expect(() => dynamicLimits({ minLimit: 1, maxLimit: 9, initialLimit: 10 })).toThrow(/dynamicLimits.initialLimit/);
    expect(() => dynamicLimits({ minLimit: 0, maxLimit: 9, maxErrorRatio: 2 })).toThrow(/minLimit[^]*maxErrorRatio/);
  });
});

describe('the delay of the event loop', () => {
  it('is how late timers are, smoothed, and leaves no timer once nobody asks', async () => {
    const clock = new VirtualClock();
    let lateMs = 0;
    const late: Clock = {
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      setTimer: (ms, callback) => clock.setTimer(ms + lateMs, callback),
    };
    const delay = new EventLoopDelay(late, 3_000);
    expect(delay.read()).toBe(0);
    lateMs = 100;
    await clock.advance(2_500);
    expect(delay.read()).toBeGreaterThan(90);
    expect(delay.read()).toBeLessThanOrEqual(100);
    await clock.advance(2_900);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(300);
    expect(clock.pendingTimers).toBe(0);
    expect(delay.read()).toBe(0);
  });

  it('lowers the limits of a program that has too much to do', async () => {
    const clock = new VirtualClock();
    const late: Clock = {
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      setTimer: (ms, callback) => clock.setTimer(ms + 150, callback),
    };
    const limits = dynamicLimits({ minLimit: 10, maxLimit: 1_000, initialLimit: 100, clock: late });
    for (let times = 0; times < 4; times++) {
      limits.limiter('/a');
      await clock.advance(1_000);
      for (let each = 0; each < 10; each++) limits.record('/a', { ok: true, durationMs: 1 });
    }
    expect(limits.statistics('/a')).toMatchObject({ lastReason: 'load' });
  });
});
