import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { microtasks, watched } from '../testing/test-support/watched.ts';
import { sampledRatio, slowCalls } from './sampled-rules.ts';
import { down, fail, guarded as guardedOn, succeed, take, up } from './test-support/guarded.ts';
import type { CircuitBreakerOptions } from './options.ts';
import type { TripRule, TripWindow } from './trip-rule.ts';
import { consecutive, count } from './trip-rules.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const guarded = (options: CircuitBreakerOptions) => guardedOn(clock, options);

/** Records calls as a string says, x for a failure; the place of the call that opened, counted from 1, or none. */
function opensAt(window: TripWindow, calls: string): number | undefined {
  const place = calls.split('').findIndex((call) => window.record(call === 'x', 0, 0) !== undefined);
  return place < 0 ? undefined : place + 1;
}

describe('a consecutive rule', () => {
  it('opens at so many failures in a row, each success starting anew', () => {
    expect(opensAt(consecutive(3).createWindow(), 'xx.xx.xxx')).toBe(9);
    expect(opensAt(consecutive(1).createWindow(), '..x')).toBe(3);
    expect(opensAt(consecutive(3).createWindow(), 'xx.xx.xx')).toBeUndefined();
  });
});

describe('a count rule', () => {
  it('opens at so many failures among the last calls, however many successes stand between them', () => {
    expect(opensAt(count(5, { failures: 3 }).createWindow(), 'x.x.x')).toBe(5);
    expect(opensAt(count(4, { failures: 3 }).createWindow(), 'x.x.x')).toBeUndefined();
    expect(opensAt(count(4, { failures: 3 }).createWindow(), 'x.x.xx')).toBe(6);
    expect(opensAt(count(1, { failures: 1 }).createWindow(), '..x')).toBe(3);
  });

  it('opens at a ratio of the last calls, from so many calls on: by default when it has seen as many as it holds', () => {
    expect(opensAt(count(4, { failureRatio: 0.5 }).createWindow(), 'xx.x')).toBe(4);
    expect(opensAt(count(4, { failureRatio: 0.5 }).createWindow(), 'xxx')).toBeUndefined();
    expect(opensAt(count(4, { failureRatio: 0.5, minThroughput: 2 }).createWindow(), '.x')).toBe(2);
    expect(opensAt(count(4, { failureRatio: 0.5 }).createWindow(), '...x...x...xx')).toBe(13);
  });

  it('keeps its window at a success, and opens at no success', () => {
    const window = count(4, { failureRatio: 0.5 }).createWindow();
    expect(opensAt(window, 'xxx.')).toBeUndefined();
    expect([window.failures(0), window.throughput(0)]).toEqual([3, 4]);
    expect(opensAt(window, 'x')).toBe(1);
  });

  it('counts exactly the last calls of any traffic, also after it was cleared', () => {
    const script = fc.array(fc.constantFrom('x', '.', '.', 'c'), { maxLength: 80 });
    const property = fc.property(script, fc.integer({ min: 1, max: 9 }), (calls, size) => {
      const window = count(size, { failures: size }).createWindow();
      let seen: string[] = [];
      for (const call of calls) {
        if (call === 'c') {
          window.clear();
          seen = [];
          continue;
        }
        seen = [...seen, call].slice(-size);
        const failures = seen.filter((one) => one === 'x').length;
        expect(window.record(call === 'x', 0, 0)).toBe(call === 'x' && failures >= size ? 'failures' : undefined);
        expect([window.failures(0), window.throughput(0)]).toEqual([failures, seen.length]);
      }
    });
    fc.assert(property, propertyRuns(200));
  });

  it('goes by the last calls of a breaker however much time lies between them', async () => {
    const { breaker, calls } = guarded({ trip: count(4, { failures: 2 }) });
    await fail(calls);
    await clock.advance(86_400_000);
    await succeed(calls);
    await fail(calls);
    expect([breaker.state, breaker.failureRatio, breaker.throughput]).toEqual(['open', 2 / 3, 3]);
  });
});

describe('a ratio in time', () => {
  it('goes by the calls of the last ten seconds and by no older ones', async () => {
    const { breaker, calls } = guarded({ trip: sampledRatio({ failureRatio: 0.5, minThroughput: 4 }) });
    await fail(calls, 3);
    await clock.advance(10_000);
    await fail(calls, 3);
    expect([breaker.state, breaker.throughput]).toEqual(['closed', 3]);
    await fail(calls);
    expect(breaker.state).toBe('open');
  });

  it('is what a breaker goes by that is given no rule, with the options of the breaker', async () => {
    const { breaker, calls } = guarded({ trip: undefined, failureRatio: 1, minThroughput: 2, samplingMs: 100 });
    await fail(calls);
    await clock.advance(100);
    await fail(calls);
    expect(breaker.state).toBe('closed');
    await fail(calls);
    expect(breaker.state).toBe('open');
  });
});

describe('a rule for slow calls', () => {
  it('opens when half of at least ten calls in ten seconds took so long or longer, though all succeeded', async () => {
    const { breaker, calls } = guarded({ trip: slowCalls({ slowCallMs: 50 }) });
    for (let n = 0; n < 5; n++) await take(clock, calls, 49);
    for (let n = 0; n < 4; n++) await take(clock, calls, 50);
    expect([breaker.state, breaker.slowCallRatio]).toEqual(['closed', 4 / 9]);
    await take(clock, calls, 50);
    expect([breaker.state, breaker.slowCallRatio, breaker.failureRatio]).toEqual(['open', 0.5, 0]);
    expect(breaker.history.at(-1)).toMatchObject({ reason: 'slow calls' });
  });

  it('opens at no fast call, and counts fast failures as failures that do not concern it', async () => {
    const { breaker, calls } = guarded({ trip: slowCalls({ slowCallMs: 50, slowCallRatio: 0.1, minThroughput: 3 }) });
    await take(clock, calls, 50);
    await take(clock, calls, 10, down).catch(() => undefined);
    await take(clock, calls, 10, down).catch(() => undefined);
    expect([breaker.state, breaker.failureRatio, breaker.throughput]).toEqual(['closed', 2 / 3, 3]);
    expect(breaker.slowCallRatio).toBe(1 / 3);
    await take(clock, calls, 60, down).catch(() => undefined);
    expect([breaker.state, breaker.lastError]).toEqual(['open', new Error('down')]);
  });

  it('forgets slow calls with time, and says 0 when there is nothing to say', async () => {
    const { breaker, calls } = guarded({ trip: slowCalls({ slowCallMs: 50, minThroughput: 2, samplingMs: 1_000 }) });
    expect(breaker.slowCallRatio).toBe(0);
    await take(clock, calls, 50);
    await clock.advance(1_000);
    expect(breaker.slowCallRatio).toBe(0);
    await take(clock, calls, 50);
    expect(breaker.state).toBe('closed');
  });

  it('joins whatever other rule there is where a breaker is told by an option what is slow', async () => {
    const slow = { slowCallMs: 50, slowCallRatio: 1, minThroughput: 2 };
    for (const trip of [undefined, consecutive(2)]) {
      const bySpeed = guarded({ trip, ...slow });
      await take(clock, bySpeed.calls, 50);
      await take(clock, bySpeed.calls, 50);
      expect(bySpeed.breaker.history.map(({ reason }) => reason)).toEqual(['slow calls']);
      const byFailure = guarded({ trip, ...slow });
      await fail(byFailure.calls, 2);
      expect(byFailure.breaker.history.map(({ reason }) => reason)).toEqual(['failures']);
    }
  });

  it('leaves the clock alone for a breaker that is not told what is slow', async () => {
    const { breaker, calls } = guarded({ trip: [consecutive(5), count(5, { failures: 5 })] });
    const now = vi.spyOn(clock, 'now');
    await succeed(calls, 10);
    expect(now).not.toHaveBeenCalled();
    expect(breaker.slowCallRatio).toBe(0);
  });

  it('does not count a call that its caller cancelled, however long it took', async () => {
    const { breaker, calls } = guarded({ trip: slowCalls({ slowCallMs: 50, minThroughput: 1 }) });
    const controller = new AbortController();
    const call = watched(calls.execute(() => new Promise(() => undefined), { signal: controller.signal }));
    await clock.advance(1_000);
    controller.abort();
    await microtasks();
    expect([call.state, breaker.state, breaker.throughput]).toEqual(['rejected', 'closed', 0]);
  });
});

describe('several rules', () => {
  const rules = [count(10, { failures: 5 }), consecutive(3), slowCalls({ slowCallMs: 50, minThroughput: 2 })];

  it.each([
    [
      'the first',
      async (calls: never) => {
        for (let n = 0; n < 5; n++) {
          await succeed(calls);
          await fail(calls);
        }
      },
      'failures',
    ],
    ['the second', (calls: never) => fail(calls, 3), 'failures'],
    [
      'the third',
      async (calls: never) => {
        await take(clock, calls, 50);
        await take(clock, calls, 50);
      },
      'slow calls',
    ],
  ] as const)('open the breaker when %s of them says so', async (_which, act, reason) => {
    const { breaker, calls } = guarded({ trip: rules });
    await act(calls as never);
    expect([breaker.state, breaker.history.at(-1)?.reason]).toEqual(['open', reason]);
  });

  it('each count every call, and together tell the failures of the first', async () => {
    const { breaker, calls } = guarded({ trip: rules });
    await fail(calls, 2);
    await succeed(calls);
    expect([breaker.failureRatio, breaker.throughput]).toEqual([2 / 3, 3]);
    await fail(calls, 3);
    expect(breaker.state).toBe('open');
    breaker.reset();
    expect(breaker.throughput).toBe(0);
    await fail(calls, 2);
    expect(breaker.state).toBe('closed');
  });

  it('are slow from the least of their limits on, which is what a probe is measured by', async () => {
    const { breaker, calls } = guarded({
      trip: [slowCalls({ slowCallMs: 200 }), consecutive(1), slowCalls({ slowCallMs: 100 })],
    });
    await fail(calls);
    await clock.advance(1_000);
    await take(clock, calls, 100);
    expect(breaker.history.at(-1)).toMatchObject({ from: 'half-open', to: 'open', reason: 'slow probe' });
    await clock.advance(1_000);
    await take(clock, calls, 99);
    expect(breaker.state).toBe('closed');
  });
});

describe('a rule of one’s own', () => {
  const own = (window: Partial<TripWindow>): TripRule => ({
    kind: 'own',
    timed: false,
    createWindow: () => ({
      record: () => undefined,
      failures: () => 0,
      throughput: () => 0,
      clear: () => undefined,
      ...window,
    }),
  });

  it('opens the breaker with the reason that it gives, also at a success', async () => {
    const { breaker, calls } = guarded({ trip: own({ record: (failed) => (failed ? undefined : 'too good') }) });
    await fail(calls);
    expect(breaker.state).toBe('closed');
    await succeed(calls);
    expect(breaker.history.at(-1)).toMatchObject({ to: 'open', reason: 'too good' });
  });

  it('does not change what becomes of a call by throwing, which is told', async () => {
    const bug = new TypeError('bug');
    const { breaker, calls } = guarded({
      trip: own({
        record: () => {
          throw bug;
        },
      }),
    });
    const told: unknown[] = [];
    calls.on('hook-failed', ({ policy, hook, error }) => told.push([policy, hook, error]));
    await expect(calls.execute(up)).resolves.toBe('item');
    expect([breaker.state, told]).toEqual(['closed', [['circuit-breaker', 'trip', bug]]]);
  });

  it('does neither refuse calls nor keep the breaker closed by not saying what it should, which is told', async () => {
    const bug = new TypeError('bug');
    const broken = (): never => {
      throw bug;
    };
    for (const [rejectionRatio, times] of [
      [broken, 2],
      [() => Number.NaN, 0],
    ] as const) {
      const told: unknown[] = [];
      const { breaker, calls } = guarded({ trip: own({ record: () => 'enough', failures: broken, rejectionRatio }) });
      calls.on('hook-failed', ({ hook, error }) => told.push([hook, error]));
      await expect(calls.execute(up)).resolves.toBe('item');
      expect([breaker.state, told.length]).toEqual(['open', times + 1]);
      expect(told).toEqual(told.map(() => ['trip', bug]));
    }
  });

  it('is told the time only where it says that it goes by it', async () => {
    const record = vi.fn(() => undefined);
    const { calls } = guarded({ trip: own({ record }) });
    await clock.advance(500);
    await succeed(calls);
    expect(record).toHaveBeenLastCalledWith(false, 0, 0);
    const timed = guarded({ trip: { ...own({ record }), timed: true } });
    await succeed(timed.calls);
    expect(record).toHaveBeenLastCalledWith(false, 0, 500);
  });
});

describe('the options of the rules', () => {
  it.each([
    ['consecutive.failures', () => consecutive(0)],
    ['consecutive.failures', () => consecutive(1.5)],
    ['count.size', () => count(0, { failures: 1 })],
    ['count.size', () => count('10' as never, { failureRatio: 0.5 })],
    ['count.failures', () => count(5, { failures: 6 })],
    ['count.failures', () => count(5, { failures: 0 })],
    ['count.failures', () => count(5, { failures: undefined } as never)],
    ['count.failureRatio', () => count(5, {} as never)],
    ['count.failureRatio', () => count(5, { failureRatio: 1.5 })],
    ['count.failureRatio', () => count(5, { failures: 2, failureRatio: 0.5 })],
    ['count.failureRatio', () => count(5, undefined as never)],
    ['count.minThroughput', () => count(5, { failureRatio: 0.5, minThroughput: 6 })],
    ['count.minThroughput', () => count(5, { failureRatio: 0.5, minThroughput: 0 })],
    ['sampledRatio.failureRatio', () => sampledRatio({ failureRatio: 0 })],
    ['sampledRatio.minThroughput', () => sampledRatio({ minThroughput: 0 })],
    ['sampledRatio.samplingMs', () => sampledRatio({ samplingMs: 0 })],
    ['slowCalls.slowCallMs', () => slowCalls({} as never)],
    ['slowCalls.slowCallMs', () => slowCalls({ slowCallMs: 0 })],
    ['slowCalls.slowCallRatio', () => slowCalls({ slowCallMs: 1, slowCallRatio: 2 })],
    ['slowCalls.minThroughput', () => slowCalls({ slowCallMs: 1, minThroughput: 0 })],
    ['slowCalls.samplingMs', () => slowCalls({ slowCallMs: 1, samplingMs: -1 })],
  ])('are refused at %s when they can not be meant (%#)', (path, make) => {
    expect(make).toThrow(expect.objectContaining({ faults: [expect.objectContaining({ path })] }));
  });

  it('may be at their bounds', () => {
    expect(() => [count(1, { failures: 1 }), count(5, { failures: 5 })]).not.toThrow();
    expect(() => count(5, { failureRatio: 1, minThroughput: 5 })).not.toThrow();
  });
});
