import { seededRandom } from 'breakwater/clock';
import { describe, expect, it } from 'vitest';
import { SlidingLog } from './sliding-log.ts';

describe('the sliding log', () => {
  it('counts the calls of the last period, and not one that is exactly a period old', () => {
    const log = new SlidingLog(1_000);
    log.add(0);
    log.add(400);
    expect(log.count(999)).toBe(2);
    expect(log.count(1_000)).toBe(1);
    expect(log.count(1_400)).toBe(0);
  });

  it('says how long until one more call fits', () => {
    const log = new SlidingLog(1_000);
    for (const at of [0, 100, 200]) log.add(at);
    expect(log.waitMs(300, 4)).toBe(0);
    expect(log.waitMs(300, 3)).toBe(700);
    expect(log.waitMs(300, 1)).toBe(900);
  });

  it('knows the fullest window, checked against a count of every window', () => {
    const random = seededRandom(7);
    const log = new SlidingLog(50);
    const times: number[] = [];
    let now = 0;
    for (let call = 0; call < 2_000; call += 1) {
      now += random.next() < 0.99 ? random.next() * 0.2 : random.next() * 100;
      times.push(now);
      log.add(now);
    }
    const fullest = Math.max(...times.map((end) => times.filter((at) => at > end - 50 && at <= end).length));
    expect(fullest).toBeGreaterThan(256);
    expect(log.peak).toBe(fullest);
  });
});
