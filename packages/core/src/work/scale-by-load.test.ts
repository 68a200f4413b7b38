import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { scaleByLoad, workerPool } from './index.ts';

/** One round of tasks: as many samples as may run at once. */
function round(
  policy: ReturnType<typeof scaleByLoad>,
  limit: number,
  queued: number,
  latencyMs: number,
  running = limit,
): number {
  let wanted = limit;
  for (let sample = 0; sample < limit; sample++) wanted = policy.next({ limit, running, queued, latencyMs, ok: true });
  return wanted;
}

describe('scaling by load', () => {
  it('grows by the square root while tasks wait and all workers are busy, once per round', () => {
    const policy = scaleByLoad();
    expect(policy.next({ limit: 4, running: 4, queued: 9, latencyMs: 10, ok: true })).toBe(4);
    expect(round(scaleByLoad(), 4, 9, 10)).toBe(6);
    expect(round(scaleByLoad(), 100, 9, 10)).toBe(110);
    expect(round(scaleByLoad(), 4, 9, 10, 3)).toBe(4);
  });

  it('shrinks by a tenth when tasks take 1.5 times what they did in the long run, or longer than they may', () => {
    const policy = scaleByLoad();
    expect(round(policy, 20, 0, 10)).toBe(20);
    expect(round(policy, 20, 9, 16)).toBe(18);
    expect(round(scaleByLoad({ targetLatencyMs: 50 }), 20, 9, 51)).toBe(18);
    expect(round(scaleByLoad({ targetLatencyMs: 50 }), 2, 9, 51)).toBe(1);
  });

  it('shrinks by one when nothing waits and less than half of the workers are busy', () => {
    expect(round(scaleByLoad(), 10, 0, 10, 4)).toBe(9);
    expect(round(scaleByLoad(), 10, 0, 10, 5)).toBe(10);
  });

  it('refuses options that can not be meant', () => {
    expect(() => scaleByLoad({ targetLatencyMs: 0 })).toThrow(/scaleByLoad.targetLatencyMs/);
  });

  it('finds the workers that an upstream of 20 servers can use, and comes down when there is nothing to do', async () => {
    const clock = new VirtualClock();
    const pool = workerPool({ clock, minWorkers: 2, maxWorkers: 200, adaptive: scaleByLoad({ targetLatencyMs: 40 }) });
    let freeAt: number[] = Array.from({ length: 20 }, () => 0);
    /** Each of 20 servers takes 20 ms a task, one after the other. */
    const serve = (): Promise<void> => {
      const server = freeAt.indexOf(Math.min(...freeAt));
      freeAt[server] = Math.max(clock.now(), freeAt[server]!) + 20;
      const waitMs = freeAt[server] - clock.now();
      return new Promise((resolve) => void clock.setTimer(waitMs, resolve));
    };
    const work: Promise<void>[] = Array.from({ length: 4_000 }, () => pool.execute(serve));
    await clock.advance(3_000);
    // Fewer than 20 would leave servers idle; 40 wait as long as they run.
    expect(pool.workers).toBeGreaterThanOrEqual(20);
    expect(pool.workers).toBeLessThanOrEqual(60);
    await clock.runAll();
    await Promise.all(work);
    expect(clock.now()).toBeLessThan(1.15 * 4_000);
    for (let task = 0; task < 2_000; task++) await pool.execute(() => undefined);
    expect(pool.workers).toBe(2);
  });
});
