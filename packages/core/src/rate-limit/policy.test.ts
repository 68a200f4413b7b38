import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/index.ts';
import { rateLimit, rateLimiter, type RateLimitedEvent } from './index.ts';

const options = { limit: 10, periodMs: 1_000, burst: 1 };

describe('rateLimit', () => {
  it('lets calls through at the pace of its limiter', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, rateLimit(options));
    const at: number[] = [];
    for (let times = 0; times < 3; times++) void calls.execute(() => at.push(clock.now()));
    await clock.advance(1_000);
    expect(at).toEqual([0, 100, 200]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses at once with a RateLimitError when it may not wait', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, rateLimit(options, { maxWaitMs: 0 }));
    await calls.execute(() => 1);
    expect(await calls.tryExecute(() => 2)).toMatchObject({
      ok: false,
      attempts: 0,
      error: { code: 'RATE_LIMITED', category: 'rate_limit', retryAfterMs: 100 },
    });
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not begin a wait that outlasts the call', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, rateLimit(options));
    await calls.execute(() => 1);
    await expect(calls.execute(() => 2, { deadlineMs: 99 })).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      reason: 'wait',
    });
    expect(clock.now()).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('takes the key of the call, and prefers its own', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter(options);
    const byCall = pipeline({ clock }, rateLimit(limiter, { maxWaitMs: 0 }));
    const byPolicy = pipeline({ clock }, rateLimit(limiter, { maxWaitMs: 0, key: 'own' }));
    const byFunction = pipeline({ clock }, rateLimit(limiter, { maxWaitMs: 0, key: ({ priority }) => priority }));
    const ok = async (calls: typeof byCall, key?: string) => (await calls.tryExecute(() => 1, { key })).ok;
    expect([await ok(byCall, 'a'), await ok(byCall, 'b'), await ok(byCall, 'a')]).toEqual([true, true, false]);
    expect([await ok(byPolicy, 'c'), await ok(byPolicy, 'd'), await ok(byCall, 'own')]).toEqual([true, false, false]);
    expect([await ok(byFunction, 'e'), await ok(byCall, 'normal')]).toEqual([true, false]);
  });

  it('takes the cost of the call, and prefers its own', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ ...options, burst: 5, clock });
    const byCall = pipeline(rateLimit(limiter));
    await byCall.execute(() => 1, { cost: 3 });
    expect(limiter.check().remaining).toBe(2);
    const ownCost = pipeline(rateLimit(limiter, { cost: () => 1 }));
    await ownCost.execute(() => 1, { cost: 3 });
    expect(limiter.check().remaining).toBe(1);
    await expect(byCall.execute(() => 1, { cost: 6 })).rejects.toMatchObject({ code: 'COST_TOO_LARGE' });
    await expect(byCall.execute(() => 1, { cost: -1 })).rejects.toMatchObject({ code: 'CONFIGURATION' });
    await expect(pipeline(rateLimit(limiter, { cost: () => -1 })).execute(() => 1)).rejects.toThrow(RangeError);
  });

  it('shares one limit among the pipelines that share the limiter', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ ...options, burst: 3 });
    const [first, second] = [pipeline({ clock }, rateLimit(limiter)), pipeline({ clock }, rateLimit(limiter))];
    let done = 0;
    for (let times = 0; times < 3; times++) for (const calls of [first, second]) void calls.execute(() => done++);
    await clock.advance(0);
    expect(done).toBe(3);
    await clock.advance(300);
    expect(done).toBe(6);
    expect(() => pipeline({ clock: new VirtualClock() }, rateLimit(limiter))).toThrow(/clock/);
  });

  it('leaves the queue at once when the call is aborted, and takes nothing', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter(options);
    const calls = pipeline({ clock }, rateLimit(limiter));
    await calls.execute(() => 1);
    const controller = new AbortController();
    const aborted = calls.execute(() => 'never', { signal: controller.signal });
    const next = calls.execute(() => clock.now());
    controller.abort(new Error('gone'));
    await expect(aborted).rejects.toThrow('gone');
    expect(limiter.statistics).toMatchObject({ waiting: 1, withdrawn: 1 });
    await clock.advance(100);
    expect(await next).toBe(100);
    expect(clock.pendingTimers).toBe(0);
  });

  it('orders those who wait by the priority of their calls', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, rateLimit(options));
    const log: string[] = [];
    await calls.execute(() => 1);
    for (const priority of ['low', 'normal', 'high'] as const)
      void calls.execute(() => log.push(priority), { priority });
    await clock.advance(1_000);
    expect(log).toEqual(['high', 'normal', 'low']);
  });

  it('tells who is queued, admitted and refused, with how long it takes and took', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock, name: 'api' }, rateLimit({ ...options, name: 'per-second' }, { maxWaitMs: 150 }));
    const events: unknown[] = [];
    const stop = calls.on(
      'rate-limited',
      ({ type, pipeline: name, policy, outcome, limitName, retryAfterMs, waitedMs }) =>
        events.push([type, name, policy, outcome, limitName, retryAfterMs, waitedMs] satisfies
          | [...string[], unknown, unknown, RateLimitedEvent['outcome'], string, number, number]
          | unknown[]),
    );
    for (let times = 0; times < 3; times++) void calls.tryExecute(() => 1);
    await clock.advance(1_000);
    expect(events).toEqual([
      ['rate-limited', 'api', 'per-second', 'queued', 'per-second', 100, 0],
      ['rate-limited', 'api', 'per-second', 'refused', 'per-second', 200, 0],
      ['rate-limited', 'api', 'per-second', 'admitted', 'per-second', 0, 100],
    ]);
    stop();
  });

  it('lets a function that runs in its turn ask the same limiter again', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter(options);
    const calls = pipeline({ clock }, rateLimit(limiter));
    const at: number[] = [];
    const chain = (left: number): void => {
      at.push(clock.now());
      if (left > 0) void calls.execute(() => chain(left - 1));
    };
    void calls.execute(() => chain(3));
    await clock.advance(1_000);
    expect(at).toEqual([0, 100, 200, 300]);
    expect(limiter.statistics.waiting).toBe(0);
  });

  it('refuses what is no limiter and options that can not be meant', () => {
    expect(() => rateLimit({ tryAcquire: () => undefined } as never)).toThrow(/rateLimit.limiter/);
    expect(() => rateLimit({ limit: 0, periodMs: 1 })).toThrow(/rateLimiter.limit/);
    expect(() => rateLimit(options, { maxWait: 3 } as never)).toThrow(/maxWaitMs/);
    for (const cost of [-1, null, [1], 'one'])
      expect(() => rateLimit(options, { cost } as never)).toThrow(/rateLimit.cost/);
    expect(() => rateLimit(options, { cost: { minute: 2 } })).not.toThrow();
  });
});

describe('what a pipeline may say about its limiter', () => {
  it('refuses at once in mode refuse', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, rateLimit(options, { mode: 'refuse' }));
    await calls.execute(() => 1);
    await expect(calls.execute(() => 2)).rejects.toMatchObject({ reason: 'limit', retryAfterMs: 100 });
  });

  it('has a priority of its own, or makes one of the call', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter(options);
    const urgent = pipeline({ clock }, rateLimit(limiter, { key: 'all', priority: 'critical' }));
    const usual = pipeline(
      { clock },
      rateLimit(limiter, { key: 'all', priority: ({ key }) => (key === 'vip' ? 'high' : 'low') }),
    );
    const log: string[] = [];
    await usual.execute(() => 1);
    void usual.execute(() => log.push('usual'));
    void usual.execute(() => log.push('vip'), { key: 'vip' });
    void urgent.execute(() => log.push('urgent'), { priority: 'batch' });
    await clock.advance(1_000);
    expect(log).toEqual(['urgent', 'vip', 'usual']);
  });

  it('shares a key between clients in equal parts', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, rateLimit(options, { key: 'all', client: ({ key }) => key }));
    const log: string[] = [];
    await calls.execute(() => 1);
    for (const key of ['a', 'a', 'a', 'b']) void calls.execute(() => log.push(key), { key });
    await clock.advance(1_000);
    expect(log).toEqual(['a', 'b', 'a', 'a']);
  });

  it('settles what a call has really cost, whether it waited or not, and keeps the estimate where that is not known', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 1_000, periodMs: 1_000, clock });
    const actualCost = (outcome: { readonly ok: boolean; readonly value?: unknown }) =>
      outcome.ok ? (outcome.value as number) : undefined;
    const calls = pipeline(rateLimit(limiter, { cost: 600, actualCost }));
    await calls.execute(() => 100);
    expect(limiter.check().remaining).toBe(900);
    await calls.tryExecute(() => Promise.reject(new Error('no')));
    expect(limiter.check().remaining).toBe(300);
    const waited = calls.execute(() => 0);
    await clock.advance(300);
    await waited;
    expect(limiter.check().remaining).toBe(600);
    expect(limiter.statistics.reservations).toBe(1);
  });

  it('goes on with the estimate when its hook throws, and tells so', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, clock });
    const calls = pipeline(
      rateLimit(limiter, {
        cost: 4,
        actualCost: () => {
          throw new Error('hook');
        },
      }),
    );
    const hooks: string[] = [];
    calls.on('hook-failed', ({ hook }) => hooks.push(hook));
    expect(await calls.execute(() => 'value')).toBe('value');
    expect([hooks, limiter.check().remaining]).toEqual([['actualCost'], 6]);
  });

  it('hears the events of the limiter as well', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter(options);
    const calls = pipeline({ clock }, rateLimit(limiter));
    const seen: number[] = [];
    calls.on('limit-updated', ({ limit }) => seen.push(limit));
    limiter.update({ limit: 20 });
    expect(seen).toEqual([20]);
  });
});
