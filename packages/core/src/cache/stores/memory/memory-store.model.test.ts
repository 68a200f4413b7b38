/** The memory store with `lru` against lru-cache, and with every policy against a Map with expiry times. */
import fc from 'fast-check';
import { LRUCache } from 'lru-cache';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../clock/random.ts';
import { VirtualClock } from '../../../clock/virtual-clock.ts';
import { modelRuns } from '../../../testing/test-support/property-runs.ts';
import { lru } from './lru.ts';
import { MemoryStore } from './memory-store.ts';
import { s3Fifo } from './s3-fifo.ts';
import { wTinyLfu } from './w-tiny-lfu.ts';

const key = fc.integer({ min: 0, max: 9 }).map((n) => `key:${n}`);
const anyStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ get: key }) },
  {
    weight: 4,
    arbitrary: fc.record({ set: key, size: fc.integer({ min: 1, max: 5 }), ttlMs: fc.constantFrom(10, 2_000, 90_000) }),
  },
  { weight: 1, arbitrary: fc.record({ delete: key }) },
  { weight: 1, arbitrary: fc.record({ peek: key }) },
  { weight: 2, arbitrary: fc.record({ getIfPresent: key }) },
  { weight: 1, arbitrary: fc.record({ wait: fc.constantFrom(5, 1_500, 80_000) }) },
);
type Step =
  | { get: string }
  | { set: string; size: number; ttlMs: number }
  | { delete: string }
  | { peek: string }
  | { getIfPresent: string }
  | { wait: number };
const steps: fc.Arbitrary<Step[]> = fc.array(anyStep, { maxLength: 60 });

it('with `lru` does what lru-cache does, by entries and by bytes', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), (script, byBytes) => {
      const store = new MemoryStore<number>({
        eviction: lru,
        ttlMs: Infinity,
        random: seededRandom(1),
        clock: new VirtualClock(),
        ...(byBytes ? { maxBytes: 12, sizeOf: (size: number) => size } : { maxEntries: 4 }),
      });
      const oracle = new LRUCache<string, number>(
        byBytes ? { maxSize: 12, max: 10_000, sizeCalculation: (size) => size } : { max: 4 },
      );
      for (const step of script) {
        if ('get' in step) expect(store.get(step.get)).toBe(oracle.get(step.get));
        else if ('getIfPresent' in step)
          expect(store.getIfPresent(step.getIfPresent)).toBe(oracle.get(step.getIfPresent));
        else if ('peek' in step) expect(store.peek(step.peek)).toBe(oracle.peek(step.peek));
        else if ('delete' in step) expect(store.delete(step.delete)).toBe(oracle.delete(step.delete));
        else if ('set' in step) {
          store.set(step.set, step.size);
          oracle.set(step.set, step.size);
        }
        expect([...store.keys()].toSorted()).toEqual([...oracle.keys()].toSorted());
      }
    }),
    { ...modelRuns(), numRuns: modelRuns().numRuns / 5 },
  );
});

it.each([s3Fifo, wTinyLfu, lru])(
  'with $name never shows what was not set last, nor what has expired, and all expired leave',
  async (eviction) => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const clock = new VirtualClock();
        const store = new MemoryStore<number>({
          eviction,
          maxEntries: 6,
          jitterRatio: 0,
          clock,
          random: seededRandom(1),
        });
        const model = new Map<string, { value: number; expiresAt: number }>();
        for (const [at, step] of script.entries()) {
          if ('wait' in step) await clock.advance(step.wait);
          else if ('set' in step) {
            store.set(step.set, at, step.ttlMs);
            model.set(step.set, { value: at, expiresAt: clock.now() + step.ttlMs });
            expect(store.peek(step.set)).toBe(at);
          } else if ('delete' in step) {
            store.delete(step.delete);
            model.delete(step.delete);
          } else {
            const [look, name] = Object.entries(step)[0] as ['get' | 'peek' | 'getIfPresent', string];
            const found = store[look](name);
            const known = model.get(name);
            if (found !== undefined) expect(found).toBe(known?.value);
            if (known === undefined || known.expiresAt <= clock.now()) expect(found).toBeUndefined();
          }
          expect(store.size).toBeLessThanOrEqual(6);
        }
        await clock.advance(92_000);
        expect([store.size, clock.pendingTimers]).toEqual([0, 0]);
      }),
      { ...modelRuns(), numRuns: modelRuns().numRuns / 20 },
    );
  },
);
