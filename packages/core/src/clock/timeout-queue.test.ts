import { describe, expect, it } from 'vitest';
import { CoalescingClock } from '../testing/test-support/coalescing-clock.ts';
import { TimeoutEntry, type TimeoutLane, timeoutQueueOf } from './timeout-queue.ts';
import { VirtualClock } from './virtual-clock.ts';

class Probe extends TimeoutEntry {
  firedAt: number | undefined = undefined;
  private readonly time: () => number;
  private readonly after: () => void;

  constructor(time: () => number, then: () => void = () => undefined) {
    super();
    this.time = time;
    this.after = then;
  }

  override onTimeout(): void {
    this.firedAt = this.time();
    this.after();
  }
}

const DAY = 86_400_000;

describe('the timeouts of a clock that does not coalesce', () => {
  it('fire exactly on time, in the order of their times, whatever the order in which they came', async () => {
    const clock = new VirtualClock();
    const queue = timeoutQueueOf(clock);
    const fired: number[] = [];
    for (const ms of [300, 100, 200]) {
      queue.lane(ms).add(
        new Probe(
          () => clock.now(),
          () => fired.push(clock.now()),
        ),
      );
    }
    await clock.advance(1_000);
    expect(fired).toEqual([100, 200, 300]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('hold one timer for all, and none when nobody waits', async () => {
    const clock = new VirtualClock();
    const lane = timeoutQueueOf(clock).lane(100);
    const entries = Array.from({ length: 50 }, () => new Probe(() => clock.now()));
    for (const entry of entries) lane.add(entry);
    expect(clock.pendingTimers).toBe(1);
    for (const entry of entries) lane.remove(entry);
    expect(clock.pendingTimers).toBe(0);
    lane.remove(entries[0]!);
    await clock.advance(1_000);
    expect(entries.every(({ firedAt }) => firedAt === undefined)).toBe(true);
  });

  it('may be longer than the 24.8 days that a platform timer holds', async () => {
    const clock = new VirtualClock();
    const probe = new Probe(() => clock.now());
    timeoutQueueOf(clock)
      .lane(30 * DAY)
      .add(probe);
    await clock.advance(30 * DAY - 1);
    expect(probe.firedAt).toBeUndefined();
    await clock.advance(1);
    expect(probe.firedAt).toBe(30 * DAY);
  });

  it('begin anew when they are added again, after they were removed and after they have fired', async () => {
    const clock = new VirtualClock();
    const lane = timeoutQueueOf(clock).lane(100);
    const probe = new Probe(() => clock.now());
    lane.add(probe);
    await clock.advance(60);
    lane.remove(probe);
    lane.add(probe);
    expect(lane.remainingMs(probe, clock.now())).toBe(100);
    await clock.advance(99);
    expect(probe.firedAt).toBeUndefined();
    await clock.advance(1);
    expect(probe.firedAt).toBe(160);
    lane.add(probe);
    await clock.advance(100);
    expect([probe.firedAt, clock.pendingTimers]).toEqual([260, 0]);
  });

  it('may be added by one that fires, on its own lane and on another', async () => {
    const clock = new VirtualClock();
    const queue = timeoutQueueOf(clock);
    const time = () => clock.now();
    const second = new Probe(time);
    const other = new Probe(time);
    const lane = queue.lane(100);
    lane.add(
      new Probe(time, () => {
        lane.add(second);
        queue.lane(30).add(other);
      }),
    );
    await clock.advance(1_000);
    expect([second.firedAt, other.firedAt]).toEqual([200, 130]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the timeouts of a clock that coalesces', () => {
  function coalescing() {
    const clock = new CoalescingClock();
    const queue = timeoutQueueOf(clock);
    const add = (lane: TimeoutLane): Probe => {
      const probe = new Probe(() => clock.virtual.now());
      lane.add(probe);
      return probe;
    };
    return { clock, queue, add };
  }

  it('are never early, and late by no more than a 64th of their time', async () => {
    const { clock, queue, add } = coalescing();
    const probe = add(queue.lane(640));
    await clock.virtual.advance(639.9);
    expect(probe.firedAt).toBeUndefined();
    await clock.virtual.advance(10.1);
    expect(probe.firedAt).toBeLessThanOrEqual(650);
    await clock.virtual.runAll();
    expect(clock.virtual.pendingTimers).toBe(0);
  });

  it('begin anew when they are added again, and are never early then', async () => {
    const { clock, queue, add } = coalescing();
    const lane = queue.lane(640);
    const probe = add(lane);
    await clock.virtual.advance(600);
    lane.remove(probe);
    lane.remove(probe);
    lane.add(probe);
    lane.remove(probe);
    lane.add(probe);
    await clock.virtual.advance(639.9);
    expect(probe.firedAt).toBeUndefined();
    await clock.virtual.advance(20);
    expect(probe.firedAt).toBeLessThanOrEqual(1_250);
  });

  it('keep the slack of a short lane also when an arrival on a long one has woken the queue', async () => {
    const { clock, queue, add } = coalescing();
    const [long, short] = [queue.lane(30_000), queue.lane(64)];
    add(long);
    add(short);
    await clock.virtual.advance(30);
    add(long);
    const probe = add(short);
    await clock.virtual.advance(200);
    expect(probe.firedAt).toBeGreaterThanOrEqual(94);
    expect(probe.firedAt).toBeLessThanOrEqual(95);
  });

  it('cost one reading and one timer for a thousand at once', () => {
    const { clock, queue, add } = coalescing();
    const lane = queue.lane(5_000);
    for (let n = 0; n < 1_000; n++) add(lane);
    expect([clock.readings, clock.timersSet]).toEqual([1, 1]);
  });

  it('tell at least what remains until they fire', async () => {
    const { clock, queue, add } = coalescing();
    const lane = queue.lane(640);
    const probe = add(lane);
    expect(lane.remainingMs(probe, clock.now())).toBe(640);
    await clock.virtual.advance(100);
    const remaining = lane.remainingMs(probe, clock.now());
    expect(remaining).toBeGreaterThanOrEqual(540);
    expect(remaining).toBeLessThanOrEqual(550);
    await clock.virtual.advance(1_000);
    expect(lane.remainingMs(probe, clock.now())).toBe(0);
  });

  it('go on working on a lane that was kept while the queue had forgotten it, beside another of the same time', async () => {
    const { clock, queue, add } = coalescing();
    const kept = queue.lane(64);
    add(kept);
    await clock.virtual.runAll();
    const other = queue.lane(64);
    expect(other).not.toBe(kept);
    const probes = [add(other), add(kept), add(queue.lane(64))];
    await clock.virtual.runAll();
    expect(probes.every(({ firedAt }) => firedAt !== undefined)).toBe(true);
    expect(clock.virtual.pendingTimers).toBe(0);
  });

  it('may be started again after they have fired or were ended, and ended as if they were new', async () => {
    const { clock, queue, add } = coalescing();
    const lane = queue.lane(640);
    const [ended, restarted, fires] = [add(lane), add(lane), add(lane)];
    await clock.virtual.advance(100);
    for (const entry of [ended, restarted]) lane.remove(entry);
    const below = add(lane);
    for (const entry of [ended, restarted]) lane.add(entry);
    lane.remove(ended);
    await clock.virtual.advance(600);
    expect([fires.firedAt !== undefined, below.firedAt, restarted.firedAt]).toEqual([true, undefined, undefined]);
    await clock.virtual.advance(100);
    expect([below.firedAt! >= 740, restarted.firedAt! >= 740, ended.firedAt]).toEqual([true, true, undefined]);
    lane.add(restarted);
    lane.remove(restarted);
    await clock.virtual.runAll();
    expect([restarted.firedAt! <= 810, clock.virtual.pendingTimers]).toEqual([true, 0]);
  });

  it('may be ended when they were never started', async () => {
    const { clock, queue, add } = coalescing();
    const lane = queue.lane(640);
    const started = add(lane);
    const idle = new Probe(() => clock.now());
    lane.remove(idle);
    await clock.virtual.runAll();
    expect([started.firedAt !== undefined, idle.firedAt]).toEqual([true, undefined]);
  });
});
