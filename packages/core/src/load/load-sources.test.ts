import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock/clock.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { eventLoopDelay } from './event-loop-delay.ts';
import { memoryUse } from './memory-use.ts';

/** A clock whose timers are late by as much as is said, as those of a program that is busy. */
function lateClock() {
  const clock = new VirtualClock();
  const state = { lateMs: 0, readings: 0 };
  const late: Clock = {
    now: () => {
      state.readings++;
      return clock.now();
    },
    wallTime: () => clock.wallTime(),
    setTimer: (ms, callback, background) => clock.setTimer(ms + state.lateMs, callback, background),
  };
  return { clock, late, state };
}

describe('the delay of the event loop as a load', () => {
  it('is 1 where timers are as late as may be, and follows within some measurements', async () => {
    const { clock, late, state } = lateClock();
    const reader = eventLoopDelay({ maxMs: 200 }).createReader(late);
    expect(reader.read()).toBe(0);
    await clock.advance(500);
    expect(reader.read()).toBe(0);
    state.lateMs = 200;
    await clock.advance(4_900);
    expect(reader.read()).toBeCloseTo(1, 1);
    expect(reader.read()).toBeLessThanOrEqual(1);
    state.lateMs = 0;
    await clock.advance(1_000);
    expect(reader.read()).toBeLessThan(0.05);
  });

  it('is asked without a reading of the clock, and measured by one timer', async () => {
    const { clock, late, state } = lateClock();
    const reader = eventLoopDelay().createReader(late);
    reader.read();
    state.readings = 0;
    for (let n = 0; n < 1_000; n++) reader.read();
    expect([state.readings, clock.pendingTimers]).toEqual([0, 1]);
    reader.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('is measured no longer when nobody has asked for a minute, and begins anew when somebody does', async () => {
    const { clock, late } = lateClock();
    const reader = eventLoopDelay().createReader(late);
    reader.read();
    await clock.advance(59_900);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(200);
    expect(clock.pendingTimers).toBe(0);
    expect([reader.read(), clock.pendingTimers]).toEqual([0, 1]);
  });

  it('refuses a limit that is no time', () => {
    expect(() => eventLoopDelay({ maxMs: 0 })).toThrow(/eventLoopDelay.maxMs/);
  });
});

describe('memory as a load', () => {
  it('is 1 where the part that may be used is used, and is measured once an interval', async () => {
    const clock = new VirtualClock();
    let [usedBytes, measured] = [80, 0];
    const measure = () => {
      measured++;
      return { usedBytes, limitBytes: 100 };
    };
    const reader = memoryUse({ maxRatio: 0.8, intervalMs: 500, measure }).createReader(clock);
    expect([reader.read(), reader.read(), measured]).toEqual([1, 1, 1]);
    usedBytes = 40;
    await clock.advance(499);
    expect(reader.read()).toBe(1);
    await clock.advance(1);
    expect([reader.read(), measured]).toEqual([0.5, 2]);
    usedBytes = 20;
    reader.stop();
    expect(reader.read()).toBe(0.25);
  });

  it('is that of the heap or the process where the platform tells, and needs to be given where it does not', () => {
    const { process } = globalThis as { readonly process?: { readonly getBuiltinModule?: unknown } };
    if (process?.getBuiltinModule === undefined)
      return expect(() => memoryUse()).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
    const load = memoryUse().createReader(new VirtualClock()).read();
    expect(load).toBeGreaterThan(0);
    expect(load).toBeLessThan(2);
  });

  it('refuses options that can not be meant, all at once', () => {
    expect(() => memoryUse({ maxRatio: 2, intervalMs: -1, measure: 3 as never })).toThrow(
      /maxRatio[^]*intervalMs[^]*measure/,
    );
  });
});
