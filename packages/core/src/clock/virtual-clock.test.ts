import { describe, expect, it } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

describe('a virtual clock', () => {
  it('stands still until it is moved, and starts where it is told to', () => {
    const clock = new VirtualClock({ startMs: 50, wallTimeMs: 1_000 });
    expect([clock.now(), clock.wallTime()]).toEqual([50, 1_000]);
    expect(new Date(new VirtualClock().wallTime()).toISOString()).toBe('2026-01-01T00:00:00.000Z');
  });

  it('fires timers in the order of their times, those of one time as they were set, each at its own time', async () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    for (const [name, ms] of [
      ['c', 30],
      ['a', 10],
      ['b', 10],
    ] as const) {
      clock.setTimer(ms, () => fired.push(`${name}@${clock.now()}`));
    }
    expect([clock.pendingTimers, clock.nextTimerAt]).toEqual([3, 10]);
    await clock.advance(100);
    expect([fired, clock.now(), clock.nextTimerAt]).toEqual([['a@10', 'b@10', 'c@30'], 100, undefined]);
  });

  it('lets the program run on after each timer, however long its chain of microtasks', async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    clock.setTimer(10, () => {
      void (async () => {
        for (let n = 0; n < 100; n++) await Promise.resolve();
        clock.setTimer(5, () => seen.push(clock.now()));
      })();
    });
    await clock.advance(20);
    expect(seen).toEqual([15]);
  });

  it('goes from timer to timer, and stops a program that always sets another', async () => {
    const clock = new VirtualClock();
    expect(await clock.advanceToNextTimer()).toBe(false);
    const again = (): void => void clock.setTimer(1, again);
    again();
    await expect(clock.runAll(10)).rejects.toThrow(RangeError);
    expect(clock.now()).toBe(10);
  });

  it('forgets a timer that is cancelled, and lets wall time jump without touching the other', async () => {
    const clock = new VirtualClock();
    const timer = clock.setTimer(-5, () => expect.unreachable());
    timer.cancel();
    timer.cancel();
    clock.jumpWallTime(-3_600_000);
    expect([clock.pendingTimers, clock.now(), clock.wallTime()]).toEqual([0, 0, Date.UTC(2025, 11, 31, 23)]);
    await clock.runAll();
  });

  it('runs on without end only as long as something would keep a process alive', async () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    const tick = (): void => {
      fired.push(`tick@${clock.now()}`);
      clock.setTimer(10, tick, true);
    };
    tick();
    clock.setTimer(25, () => fired.push(`done@${clock.now()}`));
    await clock.runAll();
    expect(fired).toEqual(['tick@0', 'tick@10', 'tick@20', 'done@25']);
    expect(clock.pendingTimers).toBe(1);
  });

  it('goes to a moment, and never back', async () => {
    const clock = new VirtualClock({ startMs: 100 });
    await clock.advanceTo(150);
    await clock.advanceTo(150);
    expect(clock.now()).toBe(150);
    await expect(clock.advanceTo(149)).rejects.toThrow(/goes forward only/);
  });

  it.each([[-1], [Number.NaN], [Infinity]])(
    'is not moved by %s milliseconds, nor harmed by being asked to',
    async (ms) => {
      const clock = new VirtualClock();
      await expect(clock.advance(ms)).rejects.toThrow(RangeError);
      await clock.advance(5);
      expect(clock.now()).toBe(5);
    },
  );

  it('refuses times that are none, and a timer without end', () => {
    const clock = new VirtualClock();
    expect(() => new VirtualClock({ startMs: Number.NaN })).toThrow(/startMs/);
    expect(() => new VirtualClock({ wallTimeMs: Infinity })).toThrow(/wallTimeMs/);
    expect(() => clock.setTimer(Infinity, () => undefined)).toThrow(/delayMs/);
    expect(() => clock.setTimer(Number.NaN, () => undefined)).toThrow(/delayMs/);
    expect(() => clock.jumpWallTime(Number.NaN)).toThrow(RangeError);
    expect(() => clock.setWallTime(Number.NaN)).toThrow(RangeError);
    expect(clock.pendingTimers).toBe(0);
  });

  it('lets moves that are begun at once follow each other, so that no time counts twice', async () => {
    const clock = new VirtualClock();
    const fired: number[] = [];
    const every = (): void => {
      fired.push(clock.now());
      if (fired.length < 5) clock.setTimer(10, every);
    };
    clock.setTimer(10, every);
    await Promise.all([clock.advance(20), clock.advance(20), clock.runAll()]);
    expect(fired).toEqual([10, 20, 30, 40, 50]);
  });

  it('hands on what a callback throws, stands at its time then, and goes on working', async () => {
    const clock = new VirtualClock();
    clock.setTimer(3, () => {
      throw new TypeError('bug');
    });
    await expect(clock.advance(10)).rejects.toThrow('bug');
    expect([clock.now(), clock.pendingTimers]).toEqual([3, 0]);
    await clock.advance(2);
    expect(clock.now()).toBe(5);
  });

  it('sets the wall clock, and goes on from there', async () => {
    const clock = new VirtualClock({ startMs: 40 });
    clock.setWallTime(Date.UTC(2027, 5, 1));
    await clock.advance(1_000);
    expect([clock.wallTime(), clock.now()]).toEqual([Date.UTC(2027, 5, 1, 0, 0, 1), 1_040]);
  });
});

describe('settle', () => {
  const after = (clock: VirtualClock, ms: number): Promise<number> =>
    new Promise((resolve) => void clock.setTimer(ms, () => resolve(clock.now())));

  it('fires timers, background ones too, until a promise has settled, and gives its value', async () => {
    const clock = new VirtualClock();
    clock.setTimer(70, () => expect.unreachable());
    const answer = new Promise((resolve) => void clock.setTimer(60, () => resolve('item'), true));
    expect(await clock.settle(after(clock, 50))).toBe(50);
    expect(await clock.settle(answer)).toBe('item');
    expect([clock.now(), clock.pendingTimers]).toEqual([60, 1]);
  });

  it('rejects as the promise does', async () => {
    const clock = new VirtualClock();
    const failing = after(clock, 5).then(() => Promise.reject(new Error('down')));
    await expect(clock.settle(failing)).rejects.toThrow('down');
    expect(clock.now()).toBe(5);
  });

  it('says so when nothing is left that could settle the promise, or when there is no end to it', async () => {
    const clock = new VirtualClock();
    const never = new Promise(() => undefined);
    await expect(clock.settle(never)).rejects.toThrow('the promise is pending, and no timer is set');
    const again = (): void => void clock.setTimer(1, again);
    again();
    await expect(clock.settle(never, 50)).rejects.toThrow('50 timers have fired');
    expect(clock.now()).toBe(50);
  });
});
