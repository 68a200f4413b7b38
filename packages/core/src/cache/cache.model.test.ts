/**
 * The cache against a naive model, over random interleavings of calls, loads that end or fail when they like,
 * invalidations, expiries and jumps of the wall clock.
 *
 * The model is a source of truth that counts up. Whoever invalidates has changed the truth before. A load reads the truth
 * when it begins and gives it when it ends. What the model knows of each key is how true a value has to be at least, and
 * how old it may be at most.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import { type Cache, createCache } from './cache.ts';

const TTL_MS = 100;
const WINDOW_MS = 60;
const GRACE_MS = 400;
const SOFT_MS = 15;
const HARD_MS = 90;
const MAX_LOAD_MS = 200;

const keys = ['a', 'b', 'c'] as const;
const tagsOf: Readonly<Record<string, readonly string[]>> = { a: ['x'], b: ['x', 'y'], c: [] };

const key = fc.constantFrom(...keys);
const anyStep = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      ask: key,
      takesMs: fc.constantFrom(0, 5, 20, 70, 120, 500),
      fails: fc.boolean(),
      dynamicTags: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ set: key }) },
  { weight: 2, arbitrary: fc.record({ delete: key }) },
  { weight: 2, arbitrary: fc.record({ tag: fc.constantFrom('x', 'y') }) },
  { weight: 1, arbitrary: fc.record({ clear: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ jumpMs: fc.constantFrom(-3_600_000, 3_600_000) }) },
  { weight: 6, arbitrary: fc.record({ waitMs: fc.constantFrom(0, 3, 10, 40, 101, 300) }) },
);
interface Ask {
  ask: string;
  takesMs: number;
  fails: boolean;
  dynamicTags: boolean;
}
type Step =
  | Ask
  | { set: string }
  | { delete: string }
  | { tag: string }
  | { clear: boolean }
  | { jumpMs: number }
  | { waitMs: number };

interface Value {
  readonly key: string;
  readonly truth: number;
  /** When it was given to the cache. */
  at: number;
}

class Model {
  readonly clock: VirtualClock = new VirtualClock();
  readonly cache: Cache<Value> = createCache<Value>({
    clock: this.clock,
    random: seededRandom(1),
    jitterRatio: 0,
    ttlMs: TTL_MS,
    staleWhileRevalidateMs: WINDOW_MS,
    staleIfErrorMs: GRACE_MS,
    eagerRefreshRatio: 0.8,
    softTimeoutMs: SOFT_MS,
    hardTimeoutMs: HARD_MS,
    maxLoadMs: MAX_LOAD_MS,
    failureTtlMs: 10,
  });
  /** What checks within promises have found. */
  private readonly faults: unknown[] = [];
  private truth = 0;
  private pending = 0;
  private readonly floors: Map<string, number> = new Map();
  /** Loads that run and were not cut off by an invalidation of their key. */
  private readonly loading: Map<string, number> = new Map();

  async play(step: Step): Promise<void> {
    if ('ask' in step) this.ask(step);
    else if ('waitMs' in step) await this.clock.advance(step.waitMs);
    else if ('jumpMs' in step) this.clock.jumpWallTime(step.jumpMs);
    else if ('set' in step) await this.set(step.set);
    else await this.invalidate(step);
    this.look();
  }

  async end(): Promise<void> {
    await this.clock.advance(5_000);
    expect([this.faults, this.pending]).toEqual([[], 0]);
    for (const name of keys) {
      expect(this.cache.isLoading(name)).toBe(false);
      const value = await this.cache.getOrLoad(name, () => ({ key: name, truth: this.truth, at: this.clock.now() }));
      expect(value.truth).toBe(this.truth);
    }
    await this.clock.advance(5_000);
    expect([this.cache.statistics.entries, this.clock.pendingTimers]).toEqual([0, 0]);
  }

  private ask({ ask: name, takesMs, fails, dynamicTags }: Ask): void {
    const floor = this.floors.get(name) ?? 0;
    const startedAt = this.clock.now();
    this.pending++;
    const tags = tagsOf[name]!;
    const call = this.cache.getOrLoad(
      name,
      async (_key, { describe }) => {
        const begun = this.begin(name);
        const { truth } = this;
        if (takesMs > 0) await new Promise<void>((resolve) => void this.clock.setTimer(takesMs, resolve));
        begun.end();
        if (fails) throw new Error('down');
        if (dynamicTags) describe({ tags });
        return { key: name, truth, at: this.clock.now() };
      },
      dynamicTags ? undefined : { tags },
    );
    const checked = (check: () => void): void => {
      this.pending--;
      try {
        expect(this.clock.now() - startedAt).toBeLessThanOrEqual(HARD_MS);
        check();
      } catch (fault) {
        this.faults.push(fault);
      }
    };
    void call.then(
      (value) => checked(() => this.check(value, name, floor)),
      (error: Error & { code?: string }) =>
        checked(() => expect(['down', 'CACHE_TIMEOUT', 'CACHE_LOAD_TIMEOUT']).toContain(error.code ?? error.message)),
    );
  }

  private check(value: Value, name: string, floor: number): void {
    expect(value.key).toBe(name);
    expect(value.truth).toBeGreaterThanOrEqual(floor);
    expect(this.clock.now() - value.at).toBeLessThan(TTL_MS + GRACE_MS + HARD_MS);
  }

  private look(): void {
    for (const name of keys) {
      const value = this.cache.peek(name);
      if (value === undefined) continue;
      expect(value.truth).toBeGreaterThanOrEqual(this.floors.get(name) ?? 0);
      expect(this.clock.now() - value.at).toBeLessThan(TTL_MS);
    }
  }

  private async set(name: string): Promise<void> {
    const value = { key: name, truth: ++this.truth, at: this.clock.now() };
    this.cut(name);
    await this.cache.set(name, value, { tags: tagsOf[name] });
    this.floors.set(name, this.truth);
    expect(this.cache.peek(name)).toBe(value);
  }

  private async invalidate(step: Step): Promise<void> {
    this.truth++;
    if ('delete' in step) {
      this.cut(step.delete);
      await this.cache.delete(step.delete);
      this.floors.set(step.delete, this.truth);
      expect(this.cache.peek(step.delete)).toBeUndefined();
      return;
    }
    const isMeant = (name: string): boolean => !('tag' in step) || tagsOf[name]!.includes(step.tag);
    if ('tag' in step) await this.cache.invalidateTags(step.tag);
    else {
      for (const name of keys) this.cut(name);
      await this.cache.clear();
    }
    for (const name of keys.filter(isMeant)) {
      this.floors.set(name, this.truth);
      expect(this.cache.peek(name)).toBeUndefined();
    }
  }

  /** One load a key at a time; a load that was aborted or cut off counts no more. */
  private begin(name: string): { end(): void } {
    const since = this.loading.get(name);
    if (since !== undefined && since > this.clock.now() - MAX_LOAD_MS) this.faults.push(`two loads of ${name} at once`);
    const startedAt = this.clock.now();
    this.loading.set(name, startedAt);
    return {
      end: () => {
        if (this.loading.get(name) === startedAt) this.loading.delete(name);
      },
    };
  }

  private cut(name: string): void {
    this.loading.delete(name);
  }
}

it('gives nothing that was invalidated before it was asked for, nothing too old, in time, from one load at a time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep as fc.Arbitrary<Step>, { maxLength: 25 }), async (script) => {
      const model = new Model();
      for (const step of script) await model.play(step);
      await model.end();
    }),
    modelRuns(),
  );
});
