import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { Histogram } from './histogram.ts';
import { IntrusiveList, ListNode } from './intrusive-list.ts';
import { IntrusiveStack } from './intrusive-stack.ts';
import { LeveledNode, LevelQueue } from './level-queue.ts';
import { SlidingCounts } from './sliding-counts.ts';

describe('sliding counts', () => {
  it('count what a naive list of events counts, to one sub-window, also after idleness and from a negative time on', () => {
    const steps = fc.array(
      fc.record({ afterMs: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constant(5_000)), hit: fc.boolean() }),
      { maxLength: 200 },
    );
    const property = fc.property(
      steps,
      fc.integer({ min: -20_000, max: 20_000 }),
      fc.constantFrom(1, 2, 10),
      (script, startMs, buckets) => {
        const windowMs = 1_000;
        const bucketMs = windowMs / buckets;
        const counts = new SlidingCounts(windowMs, buckets);
        const events: { at: number; hit: boolean }[] = [];
        let now = startMs;
        for (const { afterMs, hit } of script) {
          now += afterMs;
          events.push({ at: now, hit });
          if (hit) counts.recordHit(now);
          else counts.recordMiss(now);
          const oldest = (Math.floor(now / bucketMs) - buckets + 1) * bucketMs;
          const within = events.filter(({ at }) => at >= oldest);
          expect(counts.hits(now)).toBe(within.filter((event) => event.hit).length);
          expect(counts.misses(now)).toBe(within.filter((event) => !event.hit).length);
        }
        expect([counts.hits(now + windowMs), counts.misses(now + windowMs)]).toEqual([0, 0]);
      },
    );
    fc.assert(property, propertyRuns(100));
  });

  it('go on elsewhere from what they have saved, on another clock, and at another time', () => {
    const steps = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 300 }), hit: fc.boolean() }), {
      maxLength: 50,
    });
    const property = fc.property(
      steps,
      fc.constantFrom(1, 2, 10),
      fc.integer({ min: -9, max: 9 }),
      fc.integer({ min: 0, max: 15 }),
      (script, buckets, origin, age) => {
        const [windowMs, bucketMs] = [1_000, 1_000 / buckets];
        const [before, after] = [new SlidingCounts(windowMs, buckets), new SlidingCounts(windowMs, buckets)];
        let now = 0;
        for (const { afterMs, hit } of script) {
          now += afterMs;
          if (hit) before.recordHit(now);
          else before.recordMiss(now);
        }
        after.recordHit(0);
        after.restore(before.save(now), now + origin * windowMs);
        const later = now + age * bucketMs;
        expect(after.hits(later + origin * windowMs)).toBe(before.hits(later));
        expect(after.misses(later + origin * windowMs)).toBe(before.misses(later));
        expect(after.save(later + origin * windowMs)).toEqual(before.save(later));
      },
    );
    fc.assert(property, propertyRuns(200));
  });

  it('leave numbers alone that another number of sub-windows has saved', () => {
    const counts = new SlidingCounts(1_000, 10);
    counts.recordHit(5);
    counts.restore([1, 2, 3, 4], 5);
    counts.restore([], 5);
    expect([counts.hits(5), counts.misses(5)]).toEqual([1, 0]);
  });

  it('forget everything when they are told to', () => {
    const counts = new SlidingCounts(1_000, 10);
    counts.recordHit(5);
    counts.recordMiss(5);
    counts.clear();
    expect([counts.hits(5), counts.misses(5)]).toEqual([0, 0]);
  });
});

describe('a histogram', () => {
  it('gives every quantile within its relative error of the value of that rank, and sum, mean and bounds exactly', () => {
    const values = fc.array(fc.double({ min: 0.001, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 300 });
    const property = fc.property(
      values,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(0.01, 0.05),
      (recorded, quantile, error) => {
        const histogram = new Histogram(error);
        for (const value of recorded) histogram.record(value);
        const sorted = Float64Array.from(recorded).sort();
        const right = sorted[Math.floor(quantile * (sorted.length - 1))]!;
        expect(Math.abs(histogram.quantile(quantile) - right)).toBeLessThanOrEqual(right * error * 1.000_001);
        expect(histogram.min).toBe(sorted[0]);
        expect(histogram.max).toBe(sorted.at(-1));
        expect(histogram.count).toBe(recorded.length);
        expect(histogram.mean).toBeCloseTo(histogram.sum / recorded.length, 6);
      },
    );
    fc.assert(property, propertyRuns(200));
  });

  it('takes zero, negative and huge values into its outer buckets, ignores NaN, and says NaN when empty', () => {
    const histogram = new Histogram();
    expect([histogram.quantile(0.5), histogram.mean]).toEqual([Number.NaN, Number.NaN]);
    for (const value of [0, -5, 1e12, Number.NaN]) histogram.record(value);
    expect([histogram.count, histogram.min, histogram.max, histogram.sum]).toEqual([3, -5, 1e12, 1e12 - 5]);
    expect(histogram.quantile(0)).toBeLessThanOrEqual(0.001 * 1.01);
    expect(histogram.quantile(1)).toBeGreaterThanOrEqual(1e8 * 0.99);
    expect(histogram.quantile(1.5)).toBe(1e12);
  });
});

class Entry extends ListNode {
  readonly name: number;

  constructor(name: number) {
    super();
    this.name = name;
  }
}

class Waiting extends LeveledNode {
  readonly name: number;

  constructor(name: number, level: number) {
    super(level);
    this.name = name;
  }
}

const moves = fc.array(
  fc.record({
    move: fc.constantFrom('append' as const, 'append' as const, 'remove' as const, 'shift' as const),
    which: fc.nat(60),
  }),
  { maxLength: 100 },
);

describe('an intrusive list', () => {
  it('holds what an array holds, in the same order', () => {
    const property = fc.property(moves, (script) => {
      const list = new IntrusiveList<Entry>();
      const all: Entry[] = [];
      let model: Entry[] = [];
      for (const { move, which } of script) {
        if (move === 'append') {
          const entry = new Entry(all.length);
          all.push(entry);
          model.push(entry);
          list.append(entry);
        } else if (move === 'shift') expect(list.shift()).toBe(model.shift());
        else if (all[which] !== undefined) {
          expect(list.remove(all[which])).toBe(model.includes(all[which]));
          model = model.filter((entry) => entry !== all[which]);
        }
        expect([...list]).toEqual(model);
        expect([list.isEmpty, list.first, list.last]).toEqual([model.length === 0, model[0], model.at(-1)]);
        for (const entry of all) expect(entry.isLinked).toBe(model.includes(entry));
        if (model.length > 1) expect([list.after(model[0]!), list.before(model[0]!)]).toEqual([model[1], undefined]);
      }
    });
    fc.assert(property, propertyRuns(100));
  });

  it('may lose the element that an iteration stands at', () => {
    const list = new IntrusiveList<Entry>();
    const entries = [1, 2, 3].map((name) => new Entry(name));
    for (const entry of entries) list.append(entry);
    const seen: number[] = [];
    for (const entry of list) {
      list.remove(entry);
      seen.push(entry.name);
    }
    expect([seen, list.isEmpty]).toEqual([[1, 2, 3], true]);
  });
});

describe('an intrusive stack', () => {
  it('holds what was pushed and not taken out, wherever that stood, and gives all of it in the order of pushing', () => {
    const property = fc.property(moves, (script) => {
      const stack = new IntrusiveStack<Entry>();
      const all: Entry[] = [];
      let model: Entry[] = [];
      for (const { move, which } of script) {
        if (move === 'append') {
          const entry = new Entry(all.length);
          all.push(entry);
          model.push(entry);
          stack.push(entry);
        } else if (move === 'shift') {
          const drained: Entry[] = [];
          stack.drain((entry) => drained.push(entry));
          expect(drained).toEqual(model);
          model = [];
        } else if (all[which] !== undefined) {
          expect(stack.remove(all[which])).toBe(model.includes(all[which]));
          model = model.filter((entry) => entry !== all[which]);
        }
        expect(stack.top).toBe(model.at(-1));
      }
    });
    fc.assert(property, propertyRuns(100));
  });

  it('may hand its elements, while it is drained, to a list', () => {
    const stack = new IntrusiveStack<Entry>();
    const list = new IntrusiveList<Entry>();
    const entries = [1, 2, 3].map((name) => new Entry(name));
    for (const entry of entries) stack.push(entry);
    stack.drain((entry) => list.append(entry));
    expect([[...list], stack.top]).toEqual([entries, undefined]);
  });
});

describe('a queue by level', () => {
  it('gives out the most urgent first and within a level who came first, whoever leaves meanwhile', () => {
    const property = fc.property(moves, (script) => {
      const queue = new LevelQueue<Waiting>(3);
      const all: Waiting[] = [];
      let model: Waiting[] = [];
      const best = () => [0, 1, 2].flatMap((level) => model.filter((entry) => entry.level === level))[0];
      for (const { move, which } of script) {
        if (move === 'append') {
          const entry = new Waiting(all.length, which % 3);
          all.push(entry);
          model.push(entry);
          queue.append(entry);
        } else if (move === 'shift') {
          const first = best();
          expect(queue.peek()).toBe(first);
          expect(queue.shift()).toBe(first);
          model = model.filter((entry) => entry !== first);
        } else if (all[which] !== undefined) {
          expect(queue.remove(all[which])).toBe(model.includes(all[which]));
          model = model.filter((entry) => entry !== all[which]);
        }
        expect(queue.size).toBe(model.length);
        expect([...queue][0]).toBe(best());
        for (const level of [0, 1, 2]) {
          expect(queue.firstOf(level)).toBe(model.find((entry) => entry.level === level));
          expect(queue.hasAtLeast(level)).toBe(model.some((entry) => entry.level <= level));
        }
      }
    });
    fc.assert(property, propertyRuns(100));
  });
});
