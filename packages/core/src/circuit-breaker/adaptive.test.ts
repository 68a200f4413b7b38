import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { rejection } from '../testing/test-support/watched.ts';
import { adaptive, type adaptiveDefaults, type AdaptiveOptions } from './adaptive.ts';
import { consecutive } from './trip-rules.ts';
import { down, guarded as guardedOn, take, up } from './test-support/guarded.ts';
import type { TripRule } from './trip-rule.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** A breaker under the rule, whose lots are drawn from a seed. */
const guarded = (trip: TripRule | readonly TripRule[], lot?: () => number) =>
  guardedOn(clock, { trip, random: lot === undefined ? seededRandom(1) : { next: lot } });

type Guarded = ReturnType<typeof guarded>;

/** Seconds of a hundred calls each, of which so many fail; how many of them were let through in the last second. */
async function seconds({ calls }: Guarded, count: number, failing: number): Promise<number> {
  let through = 0;
  for (let second = 0; second < count; second++) {
    through = 0;
    for (let n = 0; n < 100; n++) {
      await clock.advance(10);
      const outcome = await calls.tryExecute(n % 100 < failing ? down : up);
      if (outcome.attempts > 0) through++;
    }
  }
  return through;
}

/** The shares that a window has refused after each second of so many calls, of which so many fail. */
function shares(options: AdaptiveOptions, traffic: readonly (readonly [calls: number, failures: number])[]): number[] {
  const window = adaptive(options).createWindow();
  window.record(false, 0, 0);
  window.clear();
  return traffic.map(([calls, failures], second) => {
    for (let n = 0; n < calls; n++) window.record(n < failures, 0, second * 1_000 + 500);
    return window.rejectionRatio!((second + 1) * 1_000);
  });
}

/** The same, by the formula and from the whole history. */
function naiveShares(
  options: typeof adaptiveDefaults,
  traffic: readonly (readonly [calls: number, failures: number])[],
): number[] {
  const { proportionalGain: kp, integralGain: ki, derivativeGain: kd } = options;
  let [usual, share, sum, last] = [options.initialFailureRatio, 0, 0, 0];
  return traffic.map((_, second) => {
    // At the end of a second, the last of the ten sub-windows has only just begun.
    const window = traffic.slice(Math.max(0, second - 8), second + 1);
    const calls = window.reduce((total, [all]) => total + all, 0);
    const ratio = window.reduce((total, [, failures]) => total + failures, 0) / calls;
    let excess = 0;
    if (calls >= options.minThroughput) {
      if (ratio <= 0.1) usual += ratio > usual ? 0.0083 * (ratio - usual) : 0.049 * (ratio - usual);
      const isNoise = ratio > usual && ratio - usual <= options.deadZoneRatio * usual;
      excess = isNoise ? 0 : ratio - usual;
    }
    const deviation = excess - (1 - excess) * share;
    sum = Math.min(10, Math.max(-10, sum + deviation));
    share = Math.min(1, Math.max(0, share + kp * deviation + ki * sum + kd * (deviation - last)));
    last = deviation;
    return share;
  });
}

describe('an adaptive breaker', () => {
  it('refuses nothing of an upstream that fails as it always does', async () => {
    const guard = guarded(adaptive());
    await seconds(guard, 60, 2);
    expect(await seconds(guard, 1, 2)).toBe(100);
    expect(guard.breaker.state).toBe('closed');
  });

  it('refuses a share of the calls that grows with the failures beyond the usual, and stays closed', async () => {
    for (const [failing, least, most] of [
      [15, 75, 95],
      [30, 45, 70],
    ] as const) {
      clock = new VirtualClock();
      const guard = guarded(adaptive());
      await seconds(guard, 30, 1);
      const through = await seconds(guard, 25, failing);
      expect([through >= least, through <= most, guard.breaker.state]).toEqual([true, true, 'closed']);
    }
  });

  it('opens within seconds when nearly everything fails, and not by a few failures', async () => {
    const guard = guarded(adaptive());
    await seconds(guard, 30, 1);
    await seconds(guard, 1, 90);
    expect(guard.breaker.state).toBe('closed');
    await seconds(guard, 9, 90);
    expect(guard.breaker.state).toBe('open');
    expect(guard.breaker.history[0]).toMatchObject({ from: 'closed', to: 'open', reason: 'failures' });
  });

  it('tells a call that it refuses while it is closed by no time, since the next may be let through', async () => {
    const guard = guarded(adaptive(), () => 0.999);
    for (let n = 0; n < 30; n++) await guard.calls.tryExecute(n % 3 === 0 ? down : up);
    await clock.advance(1_000);
    const seen: unknown[] = [];
    guard.calls.on('circuit-rejected', ({ code, retryAfterMs }) => seen.push([code, retryAfterMs]));
    const error = await rejection(guard.calls.execute(up));
    expect(error).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: undefined });
    expect([guard.breaker.state, guard.breaker.retryAfterMs, seen]).toEqual([
      'closed',
      0,
      [['CIRCUIT_OPEN', undefined]],
    ]);
  });

  it('counts a long call when it ends, and not when it began', async () => {
    const guard = guarded(adaptive());
    await take(clock, guard.calls, 6_000);
    await clock.advance(5_000);
    expect(guard.breaker.throughput).toBe(1);
  });

  it('opens when the next call comes, for which there is nothing left', async () => {
    const guard = guarded(adaptive(), () => 0.5);
    const waits = Object.assign(new Error('busy'), { retryAfterMs: 4_000 });
    for (let n = 0; n < 40; n++) await guard.calls.tryExecute(() => Promise.reject(waits));
    await clock.advance(1_000);
    expect(guard.breaker.state).toBe('closed');
    expect(await rejection(guard.calls.execute(up))).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 4_000 });
    expect([guard.breaker.state, guard.breaker.lastError]).toEqual(['open', waits]);
  });

  it('lets everything through when it has closed again, and still knows what is usual', async () => {
    const guard = guarded(adaptive());
    await seconds(guard, 30, 1);
    await seconds(guard, 10, 95);
    guard.breaker.reset();
    expect([guard.breaker.throughput, guard.breaker.failureRatio]).toEqual([0, 0]);
    expect(await seconds(guard, 3, 1)).toBe(100);
    expect(await seconds(guard, 5, 8)).toBeLessThan(100);
  });

  it('learns nothing from too few calls, so that one failure in an idle hour refuses nobody', async () => {
    const guard = guarded(adaptive(), () => 0.999);
    for (let hour = 0; hour < 5; hour++) {
      await clock.advance(3_600_000);
      for (let n = 0; n < 9; n++) expect((await guard.calls.tryExecute(down)).attempts).toBe(1);
      await clock.advance(1_000);
    }
    expect(guard.breaker.state).toBe('closed');
  });

  it('refuses nobody after a whole window without calls, whatever was before', async () => {
    const guard = guarded(adaptive(), () => 0.999);
    for (let n = 0; n < 30; n++) await guard.calls.tryExecute(n % 3 === 0 ? down : up);
    await clock.advance(1_000);
    expect((await guard.calls.tryExecute(up)).attempts).toBe(0);
    await clock.advance(20_000);
    expect((await guard.calls.tryExecute(up)).attempts).toBe(1);
  });

  it('stands beside other rules: the largest share is refused, and any of them opens', async () => {
    const [mild, steep] = [adaptive(), adaptive({ proportionalGain: 3 })];
    for (const [trip, attempts] of [
      [[mild, consecutive(50)], 1],
      [[mild, steep, consecutive(50)], 0],
      [[steep, mild, consecutive(50)], 0],
      [[consecutive(50), mild, steep], 0],
    ] as const) {
      const guard = guarded(trip, () => 0.4);
      for (let n = 0; n < 30; n++) await guard.calls.tryExecute(n % 4 === 0 ? down : up);
      await clock.advance(1_000);
      expect((await guard.calls.tryExecute(up)).attempts).toBe(attempts);
      guard.breaker.reset();
      for (let n = 0; n < 50; n++) await guard.calls.tryExecute(down);
      expect(guard.breaker.state).toBe('open');
    }
  });
});

describe('the controller of an adaptive rule', () => {
  it('refuses the shares that its formula gives', () => {
    // ideal 0.05, kp 1, ki 0.1: e = 0.35, δ = 0.3: r = 0.3 + 0.1 · 0.3; then p = 0.3 − 0.7 · 0.33 = 0.069, …
    const [first, second] = shares({}, [
      [100, 35],
      [100, 35],
    ]);
    expect(first).toBeCloseTo(0.33, 12);
    expect(second).toBeCloseTo(0.33 + 0.069 + 0.1 * (0.3 + 0.069), 12);
    expect(shares({}, [[100, 100]])[0]).toBe(1);
    expect(shares({}, [[100, 0]])[0]).toBe(0);
  });

  it('takes what lies within a quarter of the usual ratio for noise', () => {
    const options = { initialFailureRatio: 0.4 };
    expect(shares(options, [[100, 50]])[0]).toBe(0);
    expect(shares(options, [[100, 51]])[0]).toBeCloseTo(0.11 * 1.1, 12);
    expect(shares({ ...options, deadZoneRatio: 0 }, [[100, 41]])[0]).toBeCloseTo(0.01 * 1.1, 12);
    expect(shares({ ...options, deadZoneRatio: 0.5 }, [[100, 51]])[0]).toBe(0);
    expect(shares({ initialFailureRatio: 0.5 }, [[40, 25]])[0]).toBe(0);
  });

  it('learns what is usual, slowly upwards and quickly downwards, and nothing from an outage', () => {
    const gains = { integralGain: 0, deadZoneRatio: 0 };
    expect(shares({ ...gains, initialFailureRatio: 0 }, [[100, 10]])[0]).toBeCloseTo(0.1 - 0.1 * 0.0083, 12);
    expect(shares({ ...gains, initialFailureRatio: 0 }, [[100, 11]])[0]).toBeCloseTo(0.11, 12);
    const learnt = shares({ ...gains, initialFailureRatio: 0.1 }, [
      [100, 0],
      [100, 20],
    ])[1];
    expect(learnt).toBeCloseTo(0.1 - (0.1 - 0.1 * 0.049) - (0.1 - (0.1 - 0.1 * 0.049)) * 0.0083, 12);
  });

  it('weighs the deviation, its sum and its change as it is told', () => {
    const constant = { deadZoneRatio: 0, initialFailureRatio: 0.2 };
    const only = (gains: AdaptiveOptions) =>
      shares({ ...constant, proportionalGain: 0, integralGain: 0, ...gains }, [
        [100, 30],
        [100, 30],
      ]);
    expect(only({})).toEqual([0, 0]);
    const proportional = only({ proportionalGain: 2 });
    expect(proportional[0]).toBeCloseTo(0.2, 12);
    expect(proportional[1]).toBeCloseTo(0.2 + 2 * (0.1 - 0.9 * 0.2), 12);
    const integral = only({ integralGain: 1 });
    expect(integral[0]).toBeCloseTo(0.1, 12);
    expect(integral[1]).toBeCloseTo(0.1 + 0.1 + 0.1 - 0.9 * 0.1, 12);
    const derivative = only({ derivativeGain: 0.5 });
    expect(derivative[0]).toBeCloseTo(0.05, 12);
    expect(derivative[1]).toBeCloseTo(0.05 + 0.5 * (0.1 - 0.9 * 0.05 - 0.1), 12);
  });

  it('counts its steps in seconds, whatever the length of its window', () => {
    const window = adaptive({
      samplingMs: 5_000,
      proportionalGain: 0,
      deadZoneRatio: 0,
      initialFailureRatio: 0.2,
    }).createWindow();
    for (let n = 0; n < 100; n++) window.record(n < 70, 0, 0);
    expect(window.rejectionRatio!(499)).toBe(0);
    expect(window.rejectionRatio!(500)).toBeCloseTo(0.1 * 0.5 * 0.5, 12);
    const options = { samplingMs: 5_000, proportionalGain: 0, integralGain: 0, derivativeGain: 0.5 };
    const changing = adaptive({ ...options, deadZoneRatio: 0, initialFailureRatio: 0.2 }).createWindow();
    for (let n = 0; n < 100; n++) changing.record(n < 30, 0, 0);
    expect(changing.rejectionRatio!(500)).toBeCloseTo((0.5 * 0.1) / 0.5, 12);
  });

  it('forgets what it refused after exactly a window without a step', () => {
    const after = (idleMs: number): number => {
      const window = adaptive({ proportionalGain: 0 }).createWindow();
      for (let n = 0; n < 100; n++) window.record(n < 90, 0, 0);
      expect(window.rejectionRatio!(1_000)).toBeGreaterThan(0);
      return window.rejectionRatio!(2_000 + idleMs);
    };
    expect(after(9_999)).toBeGreaterThan(0);
    expect(after(10_000)).toBe(0);
  });

  it('refuses what a naive one does, in any weather, also when good or bad times have lasted for long', () => {
    const weather = fc.record({
      calls: fc.constantFrom(0, 1, 9, 10, 100),
      failing: fc.constantFrom(0, 0.02, 0.06, 0.3, 0.6, 1),
      lasts: fc.integer({ min: 1, max: 60 }),
    });
    const options = fc.record({
      initialFailureRatio: fc.constantFrom(0, 0.05, 0.5),
      deadZoneRatio: fc.constantFrom(0, 0.25, 2),
      proportionalGain: fc.constantFrom(0, 0.2, 1),
      integralGain: fc.constantFrom(0, 0.01, 0.1),
      derivativeGain: fc.constantFrom(0, 0.5),
      minThroughput: fc.constantFrom(1, 10, 50),
      samplingMs: fc.constant(10_000),
    });
    const property = fc.property(fc.array(weather, { minLength: 1, maxLength: 6 }), options, (days, given) => {
      const traffic = days.flatMap(({ calls, failing, lasts }) =>
        Array.from({ length: lasts }, () => [calls, Math.round(calls * failing)] as const),
      );
      const right = naiveShares(given, traffic);
      for (const [second, share] of shares(given, traffic).entries()) expect(share).toBeCloseTo(right[second]!, 9);
    });
    fc.assert(property, propertyRuns(100));
  });

  it('makes the steps that are due one after the other, however late the next call comes', () => {
    const property = fc.property(
      fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 9 }),
      (failures, gap) => {
        const [eager, lazy] = [adaptive().createWindow(), adaptive().createWindow()];
        let now = 0;
        for (const failing of failures) {
          for (let n = 0; n < 40; n++) {
            eager.record(n < failing, 0, now);
            lazy.record(n < failing, 0, now);
          }
          for (let second = 0; second < gap; second++) eager.rejectionRatio!((now += 1_000));
          expect(lazy.rejectionRatio!(now)).toBe(eager.rejectionRatio!(now));
        }
      },
    );
    fc.assert(property, propertyRuns(100));
  });

  it('leaves numbers alone that are not its own', () => {
    const window = adaptive().createWindow();
    window.restore!([0.5, 0.5, 0.5, 0.5], 0, 0);
    expect(window.rejectionRatio!(0)).toBe(0);
  });

  it('goes on elsewhere where it stood', () => {
    const [before, after] = [adaptive().createWindow(), adaptive().createWindow()];
    for (let n = 0; n < 60; n++) before.record(n % 3 === 0, 0, n * 50);
    const saved = before.save!(3_000);
    after.restore!(saved, 0, 3_000);
    expect(after.save!(3_000)).toEqual(saved);
    const later = adaptive().createWindow();
    later.restore!(saved, 2_500, 5_500);
    expect(later.rejectionRatio!(5_500)).toBe(after.rejectionRatio!(5_500));
    for (const now of [5_500, 7_500]) expect(after.rejectionRatio!(now)).toBe(before.rejectionRatio!(now));
    expect([later.throughput(11_900), later.throughput(12_000)]).toEqual([20, 0]);
  });
});
