import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './options.ts';
import { down, fail, guarded as guardedOn, succeed, up } from './test-support/guarded.ts';
import { consecutive } from './trip-rules.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const guarded = (options: CircuitBreakerOptions = {}) => guardedOn(clock, options);

describe('an isolated breaker', () => {
  it('refuses calls with all reasons, until the last holder releases it, and is closed then', async () => {
    const { breaker, calls } = guarded();
    const releases = [breaker.isolate('maintenance'), breaker.isolate()];
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['isolated', Infinity]);
    const outcome = await calls.tryExecute(up);
    releases[0]!();
    releases[0]!();
    expect(breaker.state).toBe('isolated');
    releases[1]!();
    expect(breaker.state).toBe('closed');
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: 'CIRCUIT_ISOLATED', retryAfterMs: undefined, details: { reasons: ['maintenance', 'isolated'] } },
    });
  });

  it('holds a reason for each holder, also where two have the same', async () => {
    const { breaker, calls } = guarded();
    const releases = [breaker.isolate('deploy'), breaker.isolate('deploy')];
    expect(await rejection(calls.execute(up))).toMatchObject({ details: { reasons: ['deploy', 'deploy'] } });
    releases[1]!();
    expect(breaker.state).toBe('isolated');
    releases[0]!();
    expect(breaker.state).toBe('closed');
  });

  it('is closed by a reset, after which old holders hold nothing', () => {
    const { breaker } = guarded();
    const old = breaker.isolate();
    breaker.reset();
    expect(breaker.state).toBe('closed');
    const release = breaker.isolate();
    old();
    expect(breaker.state).toBe('isolated');
    release();
    expect(breaker.state).toBe('closed');
    breaker.isolate();
    breaker.reset();
    breaker.forceOpen();
    old();
    expect(breaker.state).toBe('open');
  });

  it('can be isolated before its first pipeline, and be released after it', async () => {
    const breaker = circuitBreaker();
    const release = breaker.isolate('not yet');
    const calls = pipeline({ clock }, breaker);
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_ISOLATED' });
    release();
    await expect(calls.execute(up)).resolves.toBe('item');
  });

  it('is not opened or closed by a call that began before', async () => {
    const { breaker, calls } = guarded();
    const late = deferred();
    const call = watched(calls.execute(() => late.promise));
    breaker.isolate();
    late.reject(new Error('late'));
    await microtasks();
    expect([call.state, breaker.state, breaker.lastError]).toEqual(['rejected', 'isolated', undefined]);
  });

  it('is neither opened nor half-opened by force, and says so', () => {
    const { breaker } = guarded();
    breaker.isolate();
    expect([breaker.forceOpen(), breaker.forceHalfOpen(), breaker.state]).toEqual([false, false, 'isolated']);
  });

  it('can be released, or reset, by who is told that it is isolated', () => {
    const { breaker } = guarded();
    const stop = breaker.events.on('circuit-isolated', () => breaker.reset());
    const release = breaker.isolate();
    expect(breaker.state).toBe('closed');
    stop();
    breaker.isolate();
    release();
    expect(breaker.state).toBe('isolated');
  });
});

describe('a forced opening', () => {
  it('opens a closed breaker for a break, after which it finds its way back by itself', async () => {
    const { breaker, calls } = guarded();
    expect(breaker.forceOpen('deployment')).toBe(true);
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['open', 1_000]);
    expect(breaker.history).toMatchObject([{ from: 'closed', to: 'open', reason: 'deployment' }]);
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 1_000 });
    await clock.advance(1_000);
    await expect(calls.execute(up)).resolves.toBe('item');
    expect(breaker.state).toBe('closed');
  });

  it('begins the break of an open breaker anew', async () => {
    const { breaker, calls } = guarded();
    await fail(calls);
    await clock.advance(700);
    breaker.forceOpen();
    expect([breaker.timeInStateMs, breaker.retryAfterMs]).toEqual([0, 1_000]);
  });

  it('ends the probes of a half-open breaker, whose outcomes change nothing any more', async () => {
    const { breaker, calls } = guarded();
    breaker.forceHalfOpen();
    const answer = deferred();
    const probe = watched(calls.execute(() => answer.promise));
    breaker.forceOpen();
    answer.resolve('late');
    await microtasks();
    expect([probe.state, breaker.state]).toEqual(['fulfilled', 'open']);
  });
});

describe('a forced half-opening', () => {
  it('lets the next calls of an open breaker through as probes, whatever is left of its break', async () => {
    const { breaker, calls } = guarded();
    await fail(calls);
    expect(breaker.forceHalfOpen('looks well')).toBe(true);
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['half-open', 0]);
    expect(breaker.history.at(-1)).toMatchObject({ from: 'open', to: 'half-open', reason: 'looks well' });
    await succeed(calls);
    expect(breaker.state).toBe('closed');
  });

  it('gives a half-open breaker all its places back: a probe that hangs blocks nothing', async () => {
    const { breaker, calls } = guarded();
    breaker.forceHalfOpen();
    watched(calls.execute(() => new Promise<string>(() => undefined)));
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_OPEN' });
    breaker.forceHalfOpen();
    await expect(calls.execute(up)).resolves.toBe('item');
    expect(breaker.state).toBe('closed');
  });

  it('makes a closed breaker prove itself: the calls that run meanwhile do not count', async () => {
    const { breaker, calls } = guarded({ trip: consecutive(5) });
    const late = deferred();
    watched(calls.execute(() => late.promise));
    breaker.forceHalfOpen();
    late.resolve('late');
    await microtasks();
    expect(breaker.state).toBe('half-open');
    await fail(calls);
    expect(breaker.state).toBe('open');
  });
});

describe('a reset', () => {
  it('closes the breaker, forgets what it has counted, and the length of the breaks begins anew', async () => {
    const { breaker, calls } = guarded({
      trip: consecutive(2),
      breakMs: ({ halfOpenAttempts }) => 100 * (halfOpenAttempts + 1),
    });
    await fail(calls, 2);
    await clock.advance(100);
    await fail(calls);
    expect(breaker.retryAfterMs).toBe(200);
    breaker.reset();
    expect([breaker.state, breaker.throughput, breaker.retryAfterMs]).toEqual(['closed', 0, 0]);
    await fail(calls);
    expect(breaker.state).toBe('closed');
    await fail(calls);
    expect(breaker.retryAfterMs).toBe(100);
  });

  it('makes the outcomes of calls that run stale, also when the breaker was closed already', async () => {
    const { breaker, calls } = guarded();
    const late = deferred();
    watched(calls.execute(() => late.promise));
    breaker.reset();
    late.reject(new Error('late'));
    await microtasks();
    expect([breaker.state, breaker.throughput]).toEqual(['closed', 0]);
  });
});

describe('what a breaker says of itself', () => {
  it('is its state, for how long, since when, until when, and what its calls were like', async () => {
    const { breaker, calls } = guarded({ trip: undefined, minThroughput: 4, slowCallMs: 50 });
    const opensAt = clock.wallTime() + 300;
    expect([breaker.openedAt, breaker.lastError, breaker.history]).toEqual([undefined, undefined, []]);
    await succeed(calls, 2);
    await clock.advance(300);
    await fail(calls, 2);
    await clock.advance(250);
    expect(breaker.state).toBe('open');
    expect(breaker).toMatchObject({
      timeInStateMs: 250,
      retryAfterMs: 750,
      openedAt: opensAt,
      failureRatio: 0.5,
      slowCallRatio: 0,
      throughput: 4,
      lastError: new Error('down'),
    });
    breaker.reset();
    expect([breaker.openedAt, breaker.timeInStateMs]).toEqual([opensAt, 0]);
  });

  it('is up to date in every respect, also when nobody has called since a probe was lost', async () => {
    const opened = clock.wallTime();
    const look = [
      ['state', 'open'],
      ['timeInStateMs', 100],
      ['retryAfterMs', 900],
      ['openedAt', opened + 1_500],
    ] as const;
    for (const [what, right] of look) {
      clock = new VirtualClock();
      const { breaker, calls } = guarded({ probeLeaseMs: 500 });
      await fail(calls);
      await clock.advance(1_000);
      watched(calls.execute(() => new Promise<string>(() => undefined)));
      await clock.advance(600);
      expect([what, breaker[what]]).toEqual([what, right]);
    }
    const { breaker, calls } = guarded({ probeLeaseMs: 500 });
    breaker.forceHalfOpen();
    watched(calls.execute(() => new Promise<string>(() => undefined)));
    await clock.advance(500);
    expect(breaker.history.at(-1)).toMatchObject({ reason: 'probe lost' });
  });

  it('tells the last hundred transitions with their reasons and times, the oldest first', async () => {
    const { breaker, calls } = guarded();
    const began = clock.wallTime();
    await fail(calls);
    await clock.advance(1_000);
    await fail(calls);
    await clock.advance(1_000);
    await succeed(calls);
    expect(breaker.history).toEqual([
      { from: 'closed', to: 'open', reason: 'failures', timestamp: began },
      { from: 'open', to: 'half-open', reason: 'break over', timestamp: began + 1_000 },
      { from: 'half-open', to: 'open', reason: 'probe failed', timestamp: began + 1_000 },
      { from: 'open', to: 'half-open', reason: 'break over', timestamp: began + 2_000 },
      { from: 'half-open', to: 'closed', reason: 'probes succeeded', timestamp: began + 2_000 },
    ]);
    for (let n = 0; n < 99; n++) breaker.forceOpen(`${n}`);
    expect([breaker.history.length, breaker.history[0]!.reason, breaker.history[99]!.reason]).toEqual([
      100,
      'probes succeeded',
      '98',
    ]);
  });

  it('is a copy: who changes the history that was told changes nothing', () => {
    const { breaker } = guarded();
    breaker.forceOpen();
    (breaker.history as unknown[]).length = 0;
    expect(breaker.history).toHaveLength(1);
  });
});

describe('a breaker that meets its clock late', () => {
  it('says by that clock how long it has been open, and how long it will be', async () => {
    const breaker = circuitBreaker({ breakMs: 1_000 });
    breaker.forceOpen();
    clock = new VirtualClock({ startMs: 5_000_000 });
    const calls = pipeline({ clock }, breaker);
    expect([breaker.timeInStateMs, breaker.retryAfterMs]).toEqual([0, 1_000]);
    await clock.advance(1_000);
    await expect(calls.execute(up)).resolves.toBe('item');
  });

  it('keeps the clock that it was given, and that of its first pipeline', async () => {
    const { breaker } = guarded();
    await clock.advance(70);
    pipeline({ clock }, breaker);
    expect(breaker.timeInStateMs).toBe(70);
    const free = circuitBreaker();
    pipeline({ clock }, free);
    await clock.advance(30);
    pipeline({ clock }, free);
    expect(free.timeInStateMs).toBe(30);
  });
});

describe('a command within the way of a call', () => {
  it('counts: what a condition has isolated stays isolated whatever it says of the outcome', async () => {
    const { breaker, calls } = guarded({
      failureIf: () => {
        breaker.isolate('enough');
        return true;
      },
    });
    await rejection(calls.execute(down));
    expect([breaker.state, breaker.lastError]).toEqual(['isolated', undefined]);
  });

  it('of who is told of an opening is the last word', async () => {
    const { breaker, calls } = guarded();
    const told = vi.fn(() => breaker.reset());
    breaker.events.on('circuit-opened', told);
    await fail(calls);
    expect([breaker.state, told.mock.calls.length]).toEqual(['closed', 1]);
    expect(breaker.history.map(({ to }) => to)).toEqual(['open', 'closed']);
  });
});
