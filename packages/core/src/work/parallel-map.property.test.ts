import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { parallelMap } from './index.ts';

const runs = fc.record({
  /** How long each mapper takes; 0 is one that answers without a promise. */
  durations: fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 }),
  concurrency: fc.integer({ min: 1, max: 12 }),
  readAhead: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
  order: fc.constantFrom('input' as const, 'completion' as const),
  asyncSource: fc.boolean(),
  /** How long the consumer takes for each result. */
  consumerMs: fc.integer({ min: 0, max: 20 }),
  failing: fc.uniqueArray(fc.nat({ max: 59 }), { maxLength: 5 }),
  onError: fc.constantFrom('stop' as const, 'collect' as const),
  abortAtMs: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined }),
});
type Run = typeof runs extends fc.Arbitrary<infer R> ? R : never;

async function play(run: Run) {
  const clock = new VirtualClock();
  const seen = {
    running: 0,
    most: 0,
    mapped: [] as number[],
    ahead: 0,
    results: [] as number[],
    closed: 0,
    error: undefined as unknown,
  };
  const controller = new AbortController();
  const alarm =
    run.abortAtMs === undefined ? undefined : clock.setTimer(run.abortAtMs, () => controller.abort('aborted'));
  function* items(): Generator<number> {
    try {
      yield* run.durations.keys();
    } finally {
      seen.closed++;
    }
  }
  async function* asyncItems(): AsyncGenerator<number> {
    yield* items();
  }
  const mapper = (item: number): number | Promise<number> => {
    seen.mapped.push(item);
    seen.most = Math.max(seen.most, ++seen.running);
    const finish = (): number => {
      seen.running--;
      if (run.failing.includes(item)) throw new Error(`failed ${item}`);
      return item;
    };
    const durationMs = run.durations[item]!;
    if (durationMs === 0) return finish();
    return new Promise<void>((resolve) => void clock.setTimer(durationMs, resolve)).then(finish);
  };
  const { concurrency, readAhead, order, onError } = run;
  const options = { concurrency, readAhead, order, onError, signal: controller.signal };
  const consume = (async () => {
    for await (const result of parallelMap(run.asyncSource ? asyncItems() : items(), mapper, options)) {
      seen.results.push(result);
      if (run.consumerMs > 0) await new Promise<void>((resolve) => void clock.setTimer(run.consumerMs, resolve));
      seen.ahead = Math.max(seen.ahead, seen.mapped.length - seen.results.length);
    }
  })().catch((error: unknown) => (seen.error = error));
  await clock.runAll();
  await consume;
  alarm?.cancel();
  return { ...seen, clock };
}

describe('parallelMap, for any durations, options, failures and aborts', () => {
  it('never runs more than its concurrency, maps no item twice, stays within readAhead, and ends completely', () =>
    fc.assert(
      fc.asyncProperty(runs, async (run) => {
        const { most, mapped, results, running, closed, ahead } = await play(run);
        expect(most).toBeLessThanOrEqual(run.concurrency);
        expect(mapped).toEqual([...mapped.keys()]);
        expect(new Set(results).size).toBe(results.length);
        expect(running).toBe(0);
        if (mapped.length > 0) expect(closed).toBe(1);
        if (run.onError === 'stop' || run.failing.length === 0) {
          expect(ahead).toBeLessThanOrEqual((run.readAhead ?? run.concurrency) + 1);
        }
        if (run.order === 'input') expect(results).toEqual(results.toSorted((a, b) => a - b));
      }),
      propertyRuns(200),
    ));

  it('gives each item exactly once when nothing goes wrong', () =>
    fc.assert(
      fc.asyncProperty(runs, async (run) => {
        const { results, error } = await play({ ...run, failing: [], abortAtMs: undefined });
        expect(error).toBeUndefined();
        expect(results.toSorted((a, b) => a - b)).toEqual([...run.durations.keys()]);
      }),
      propertyRuns(100),
    ));

  it('tells of every failure: the first one, or how many there were', () =>
    fc.assert(
      fc.asyncProperty(runs, async (run) => {
        const { error, results } = await play({ ...run, abortAtMs: undefined });
        const failing = run.failing.filter((item) => item < run.durations.length);
        if (failing.length === 0) expect(error).toBeUndefined();
        else if (run.onError === 'stop')
          expect(failing.map((item) => `failed ${item}`)).toContain((error as Error).message);
        else {
          expect(error).toMatchObject({ failed: failing.length });
          expect(results).toHaveLength(run.durations.length - failing.length);
        }
      }),
      propertyRuns(100),
    ));
});
