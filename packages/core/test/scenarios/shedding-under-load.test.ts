import { pipeline, type Priority, shedding } from 'breakwater';
import { type Clock, seededRandom } from 'breakwater/clock';
import { VirtualClock } from 'breakwater/testing';
import { describe, expect, it } from 'vitest';

const PRIORITIES: readonly Priority[] = ['critical', 'high', 'normal', 'low', 'batch'];
const TURN_MS = 10;

/** A program on one thread: what it has taken on delays its timers, as it delays those of an event loop. */
async function served(callsPerTurn: number, turns: number, protect: boolean) {
  const time = new VirtualClock();
  let backlogMs = 0;
  const clock: Clock = {
    now: () => time.now(),
    wallTime: () => time.wallTime(),
    setTimer: (ms, callback, background) => time.setTimer(ms + backlogMs, callback, background),
  };
  const random = seededRandom(11);
  const calls = protect ? pipeline({ clock, random }, shedding({ random })) : pipeline({ clock });
  const asked = new Map<Priority, number>();
  const answered = new Map<Priority, number>();
  let longestMs = 0;
  for (let turn = 0; turn < turns; turn++) {
    for (let n = 0; n < callsPerTurn; n++) {
      const priority = PRIORITIES[Math.floor(random.next() * PRIORITIES.length)]!;
      asked.set(priority, (asked.get(priority) ?? 0) + 1);
      // Each call that is let in takes a millisecond of the only thread.
      const outcome = await calls.tryExecute(() => void backlogMs++, { priority });
      if (outcome.ok) answered.set(priority, (answered.get(priority) ?? 0) + 1);
    }
    await time.advance(TURN_MS);
    backlogMs = Math.max(0, backlogMs - TURN_MS);
    if (turn > turns / 2) longestMs = Math.max(longestMs, backlogMs);
  }
  await calls.close();
  const ratios = PRIORITIES.map((priority) => (answered.get(priority) ?? 0) / asked.get(priority)!);
  return { ratios, longestMs, timers: time.pendingTimers };
}

describe('a program that is asked for one and a half times what it can do', () => {
  it('falls behind for ever without shedding', async () => {
    const { longestMs } = await served(15, 2_000, false);
    expect(longestMs).toBeGreaterThan(9_000);
  });

  it('stays responsive with it, serves all that is critical, and of the rest the more the more urgent it is', async () => {
    const { ratios, longestMs, timers } = await served(15, 2_000, true);
    expect(longestMs).toBeLessThan(500);
    expect(ratios[0]).toBe(1);
    expect(ratios).toEqual(ratios.toSorted((a, b) => b - a));
    expect(ratios[4]!).toBeLessThan(0.5);
    const all = ratios.reduce((sum, ratio) => sum + ratio, 0) / 5;
    // Two thirds is what it can do; it comes near that and does not idle.
    expect(all).toBeGreaterThan(0.6);
    expect(timers).toBe(0);
  });
});

describe('a program that has as much to do as it can', () => {
  it('refuses next to nothing', async () => {
    const { ratios } = await served(9, 1_000, true);
    expect(Math.min(...ratios)).toBe(1);
  });
});
