import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../clock/random.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { rateLimiter } from '../index.ts';
import { KeyMap } from './key-map.ts';

describe('the keys of a limiter', () => {
  it('are bounded, however many come', () => {
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, maxKeys: 100, clock: new VirtualClock() });
    for (let index = 0; index < 10_000; index++) limiter.tryAcquire(`key-${index}`);
    expect(limiter.statistics).toMatchObject({ keys: 100, admitted: 10_000, refused: 0 });
  });

  it('that have all of their limit back are dropped as others come, without losing anything', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, clock });
    for (let index = 0; index < 1_000; index++) limiter.tryAcquire(`old-${index}`);
    expect(limiter.statistics.keys).toBe(1_000);
    await clock.advance(1_000);
    for (let index = 0; index < 1_000; index++) limiter.tryAcquire(`new-${index}`);
    expect(limiter.statistics.keys).toBeLessThanOrEqual(1_000);
  });

  it('that are being throttled are not driven out by a flood of fresh ones', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 60_000, maxKeys: 1_000, clock });
    const throttled = Array.from({ length: 100 }, (_, index) => `greedy-${index}`);
    for (const key of throttled) while (limiter.tryAcquire(key).allowed);
    for (let index = 0; index < 20_000; index++) limiter.tryAcquire(`fresh-${index}`);
    expect(throttled.filter((key) => limiter.tryAcquire(key).allowed)).toEqual([]);
    expect(limiter.statistics.keys).toBe(1_000);
  });

  it('give their place to others once they are reset', () => {
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, maxKeys: 2, clock: new VirtualClock() });
    limiter.tryAcquire('a');
    limiter.tryAcquire('b');
    limiter.reset('a');
    limiter.tryAcquire('c');
    expect(limiter.tryAcquire('b').allowed).toBe(false);
    expect(limiter.tryAcquire('c').allowed).toBe(false);
  });

  it('that are only asked about take no place', () => {
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, clock: new VirtualClock() });
    limiter.check('a');
    limiter.tryAcquire('b', { cost: 0 });
    limiter.tryAcquire('c', { cost: 2 });
    expect(limiter.statistics.keys).toBe(0);
  });
});

describe('the map of keys', () => {
  it('holds what a Map holds, through splits, for any keys', () => {
    const map = new KeyMap();
    const model = new Map<string, number>();
    const random = seededRandom(3);
    for (let step = 0; step < 60_000; step++) {
      const key = `key-${Math.floor(random.next() * 20_000)}`;
      if (random.next() < 0.3) {
        map.delete(key);
        model.delete(key);
      } else if (!model.has(key)) {
        map.add(key, step);
        model.set(key, step);
      }
    }
    expect(map.size).toBe(model.size);
    const keys = Array.from({ length: 20_000 }, (_, index) => `key-${index}`);
    expect(keys.filter((key) => map.get(key) !== model.get(key))).toEqual([]);
  });

  it('keeps long keys apart that differ in the middle alone', () => {
    const map = new KeyMap();
    const keys = Array.from({ length: 5_000 }, (_, index) => `${'a'.repeat(40)}${index}${'b'.repeat(40)}`);
    for (const [index, key] of keys.entries()) map.add(key, index);
    expect(keys.every((key, index) => map.get(key) === index)).toBe(true);
  });
});
