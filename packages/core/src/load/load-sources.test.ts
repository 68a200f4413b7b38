import { describe, expect, it, vi } from 'vitest';
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

  it('is that of the heap or of the process, whichever is fuller, within what the container has', () => {
    const load = (heapUsed: number, rss: number, constrained?: number): string => {
      const modules: Readonly<Record<string, unknown>> = {
        'node:v8': { getHeapStatistics: () => ({ used_heap_size: heapUsed, heap_size_limit: 1_000 }) },
        'node:os': { totalmem: () => 10_000 },
      };
      const memoryUsage = Object.assign(() => ({ rss }), constrained === undefined ? {} : { rss: () => rss });
      const constrainedMemory = constrained === undefined ? undefined : () => constrained;
      const getBuiltinModule = (name: string): unknown => modules[name];
      vi.stubGlobal('process', { getBuiltinModule, memoryUsage, constrainedMemory });
      const source = memoryUse({ maxRatio: 0.5 });
      vi.unstubAllGlobals();
      return source.createReader(new VirtualClock()).read().toFixed(2);
    };
    expect([load(300, 1_000), load(300, 4_000)]).toEqual(['0.60', '0.80']);
    expect([load(300, 1_000, 2_000), load(300, 1_000, 0), load(300, 1_000, 1e18)]).toEqual(['1.00', '0.60', '0.60']);
  });

  it('is told by the platform itself where that is Node, and is between nothing and twice what it may be', () => {
    const { process } = globalThis as { readonly process?: { readonly getBuiltinModule?: unknown } };
    if (process?.getBuiltinModule === undefined) return;
    const load = memoryUse().createReader(new VirtualClock()).read();
    expect(load).toBeGreaterThan(0);
    expect(load).toBeLessThan(2);
  });

  it('needs to be measured by the program where the platform tells nothing', () => {
    vi.stubGlobal('process', undefined);
    expect(() => memoryUse()).toThrow(/memoryUse.measure: expected a function that tells how much memory is used/);
    vi.unstubAllGlobals();
  });

  it('refuses options that can not be meant, all at once', () => {
    expect(() => memoryUse({ maxRatio: 2, intervalMs: -1, measure: 3 as never })).toThrow(
      /maxRatio[^]*intervalMs[^]*measure/,
    );
  });
});
