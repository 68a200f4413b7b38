import { afterEach, describe, expect, it, vi } from 'vitest';
import { CoalescingClock } from '../testing/test-support/coalescing-clock.ts';
import { seededRandom, systemRandom } from './random.ts';
import { recentTimeOf } from './recent-time.ts';
import { systemClock } from './system-clock.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('a seeded generator', () => {
  it('gives one sequence for one seed, uniform in [0, 1), and another for another', () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 1_000 }, () => random.next());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).toEqual(draw(2 ** 32 + 1));
    expect(draw(1)).not.toEqual(draw(2));
    const values = draw(3);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(values.reduce((sum, value) => sum + value, 0) / 1_000).toBeCloseTo(0.5, 1);
    expect(systemRandom.next()).toBeLessThan(1);
  });
});

describe('the recent time', () => {
  it('is exact on a clock that does not coalesce', async () => {
    const clock = new VirtualClock();
    await clock.advance(7);
    expect(recentTimeOf(clock).now()).toBe(7);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is at most a tick old, costs one reading a tick, and stops when nobody asks', async () => {
    const clock = new CoalescingClock();
    const recent = recentTimeOf(clock);
    for (let n = 0; n < 100; n++) {
      await clock.virtual.advance(7);
      const age = clock.virtual.now() - recent.now();
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThanOrEqual(50);
    }
    expect(clock.readings).toBeLessThanOrEqual(16);
    await clock.virtual.advance(200);
    expect(clock.virtual.pendingTimers).toBe(0);
    expect(clock.virtual.now() - recent.now()).toBe(0);
    await clock.virtual.advance(200);
  });
});

describe('the system clock', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** The platform's timers, played by hand. */
  function platform() {
    let nowMs = 1_000;
    const set: { callback: () => void; delayMs: number; unref: () => void; unrefs: number }[] = [];
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
    vi.stubGlobal('setTimeout', (callback: () => void, delayMs: number) => {
      const handle = { callback, delayMs, unrefs: 0, unref: () => handle.unrefs++ };
      set.push(handle);
      return handle;
    });
    const cleared: unknown[] = [];
    vi.stubGlobal('clearTimeout', (handle: unknown) => cleared.push(handle));
    return { set, cleared, pass: (ms: number) => (nowMs += ms) };
  }

  it('never fires early, though the platform does', () => {
    const { set, pass } = platform();
    const fired = vi.fn();
    systemClock.setTimer(10.5, fired);
    expect(set[0]).toMatchObject({ delayMs: 11, unrefs: 0 });
    pass(10.2);
    set[0]!.callback();
    expect(fired).not.toHaveBeenCalled();
    expect(set[1]!.delayMs).toBe(1);
    pass(0.4);
    set[1]!.callback();
    expect(fired).toHaveBeenCalledTimes(1);
    vi.unstubAllGlobals();
  });

  it('holds a timer of more than 24.8 days by setting another', () => {
    const { set, pass } = platform();
    const fired = vi.fn();
    systemClock.setTimer(30 * 86_400_000, fired, true);
    expect(set[0]).toMatchObject({ delayMs: 2 ** 31 - 1, unrefs: 1 });
    pass(2 ** 31 - 1);
    set[0]!.callback();
    expect(fired).not.toHaveBeenCalled();
    expect(set[1]).toMatchObject({ delayMs: 30 * 86_400_000 - (2 ** 31 - 1), unrefs: 1 });
    pass(set[1]!.delayMs);
    set[1]!.callback();
    expect(fired).toHaveBeenCalledTimes(1);
    vi.unstubAllGlobals();
  });

  it('clears the timer that is set now when it is cancelled', () => {
    const { set, cleared, pass } = platform();
    const timer = systemClock.setTimer(10, () => expect.unreachable());
    pass(5);
    set[0]!.callback();
    timer.cancel();
    expect(cleared).toEqual([set[1]]);
    vi.unstubAllGlobals();
  });

  it('tells wall time and a time that only goes forward', () => {
    const before = systemClock.now();
    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
    expect(systemClock.wallTime()).toBeGreaterThan(Date.UTC(2024, 0, 1));
    expect(systemClock.coalesces).toBe(true);
  });
});
