import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { OTHER_OPERATIONS, performanceMonitor } from './performance-monitor.ts';

describe('tracking a function', () => {
  it('gives its result and counts its time, whether it answers at once or later', async () => {
    const clock = new VirtualClock();
    const monitor = performanceMonitor({ clock });
    expect(monitor.track('at once', () => 'a')).toBe('a');
    const later = monitor.track('later', () => new Promise((resolve) => void clock.setTimer(40, () => resolve('b'))));
    await clock.advance(40);
    expect(await later).toBe('b');
    expect(monitor.statistics('at once')).toMatchObject({ count: 1, errors: 0, maxMs: 0 });
    expect(monitor.statistics('later')).toMatchObject({ count: 1, errors: 0, minMs: 40, maxMs: 40, meanMs: 40 });
  });

  it('passes errors and rejections unchanged, counts them as errors, and leaves no rejection unhandled', async () => {
    const monitor = performanceMonitor({ clock: new VirtualClock() });
    const error = new Error('down');
    const thrown = (): never => {
      throw error;
    };
    expect(() => monitor.track('load', thrown)).toThrow(error);
    await expect(monitor.track('load', () => Promise.reject(error))).rejects.toBe(error);
    monitor.track('load', () => 1);
    expect(monitor.statistics('load')).toMatchObject({ count: 3, errors: 2, errorRatio: 2 / 3 });
  });

  it('gives the very promise of the function', () => {
    const promise = Promise.resolve(1);
    expect(performanceMonitor().track('load', () => promise)).toBe(promise);
  });
});

describe('a measurement by hand', () => {
  it('counts its first end only, as success or failure', () => {
    const clock = new VirtualClock();
    const monitor = performanceMonitor({ clock });
    const one = monitor.start('load');
    one.fail();
    one.end();
    monitor.start('load').end();
    expect(monitor.statistics('load')).toMatchObject({ count: 2, errors: 1 });
  });

  it('ends with its block where the platform can dispose', () => {
    const dispose = (Symbol as { readonly dispose?: symbol }).dispose;
    const monitor = performanceMonitor();
    const one = monitor.start('load') as unknown as Record<symbol, (() => void) | undefined>;
    if (dispose === undefined) return expect(Object.getOwnPropertySymbols(one)).toEqual([]);
    one[dispose]?.();
    expect(monitor.statistics('load')?.count).toBe(1);
  });

  it('is made without a dispose on a platform that has none', () => {
    vi.stubGlobal('Symbol', Object.create(Symbol, { dispose: { value: undefined } }));
    const one = performanceMonitor().start('load');
    vi.unstubAllGlobals();
    expect(Reflect.ownKeys(one)).toEqual(['end', 'fail']);
  });
});

describe('statistics', () => {
  it('have quantiles within 1 % of exact ones, whatever the times', () => {
    const time = fc.oneof(fc.double({ min: 0.01, max: 1e6, noNaN: true }), fc.constantFrom(1, 5, 5, 100));
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 200 }), (times) => {
        const monitor = performanceMonitor();
        for (const ms of times) monitor.record('load', ms);
        const sorted = times.toSorted((a, b) => a - b);
        const statistics = monitor.statistics('load')!;
        const quantiles = { 0.5: 'p50Ms', 0.9: 'p90Ms', 0.95: 'p95Ms', 0.99: 'p99Ms', 0.999: 'p999Ms' } as const;
        for (const [quantile, name] of Object.entries(quantiles)) {
          const exact = sorted[Math.floor(Number(quantile) * (sorted.length - 1))]!;
          expect(Math.abs(statistics[name] - exact)).toBeLessThanOrEqual(exact * 0.01 + 1e-9);
        }
        expect([statistics.minMs, statistics.maxMs]).toEqual([sorted[0], sorted.at(-1)]);
      }),
      propertyRuns(200),
    );
  });

  it.each([
    ['uniform', (u: number) => 1 + 99 * u],
    ['exponential', (u: number) => -20 * Math.log(1 - u)],
    ['lognormal', (u: number, v: number) => Math.exp(3 + Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v))],
    ['Pareto', (u: number) => 2 / (1 - u) ** (1 / 1.5)],
    ['two humps', (u: number, v: number) => (v < 0.9 ? 5 + u : 500 + 100 * u)],
  ])('of 50,000 %s times are within 1 %% of the exact ones', (_, draw) => {
    const random = seededRandom(7);
    const times = Array.from({ length: 50_000 }, () => draw(random.next(), random.next()));
    const monitor = performanceMonitor();
    for (const ms of times) monitor.record('load', ms);
    const sorted = times.toSorted((a, b) => a - b);
    const { p50Ms, p90Ms, p95Ms, p99Ms, p999Ms } = monitor.statistics('load')!;
    const exact = [0.5, 0.9, 0.95, 0.99, 0.999].map((quantile) => sorted[Math.floor(quantile * (sorted.length - 1))]!);
    [p50Ms, p90Ms, p95Ms, p99Ms, p999Ms].forEach((ms, index) =>
      expect(Math.abs(ms / exact[index]! - 1)).toBeLessThanOrEqual(0.01),
    );
  });

  it('of an operation that was never measured are not there', () => {
    expect(performanceMonitor().statistics('load')).toBeUndefined();
  });
});

describe('memory', () => {
  it('is bounded: operations beyond the limit count together, and how many measurements that were is told', () => {
    const monitor = performanceMonitor({ maxOperations: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'a', 'c']) monitor.record(name, 1);
    const { operations, folded } = monitor.snapshot();
    expect(Object.keys(operations)).toEqual(['a', 'b', OTHER_OPERATIONS]);
    expect([operations['a']?.count, operations[OTHER_OPERATIONS]?.count, folded]).toEqual([2, 3, 3]);
  });

  it('is given back by reset, of one operation or of all', () => {
    const monitor = performanceMonitor({ maxOperations: 1 });
    for (const name of ['a', 'b']) monitor.record(name, 1);
    monitor.reset('a');
    expect(monitor.statistics('a')).toBeUndefined();
    monitor.reset();
    expect(monitor.snapshot()).toEqual({ operations: {}, folded: 0 });
  });
});

describe('merging', () => {
  it('adds what another monitor has counted, as itself or as JSON from another process', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 900 }), fc.boolean())),
        (runs) => {
          const [whole, one, other, told] = Array.from({ length: 4 }, () => performanceMonitor());
          runs.forEach(([name, ms, failed], index) => {
            whole!.record(name, ms, failed);
            (index % 2 === 0 ? one : other)!.record(name, ms, failed);
          });
          told!.merge(JSON.parse(JSON.stringify(one)) as ReturnType<NonNullable<typeof one>['toJSON']>);
          told!.merge(other!);
          for (const name of ['a', 'b']) expect(told!.statistics(name)).toEqual(whole!.statistics(name));
        },
      ),
      propertyRuns(100),
    );
  });
});

describe('a slow operation', () => {
  it('is told once it has ended, by the limit of its name or of all', () => {
    const monitor = performanceMonitor({ slowMs: { load: 100 }, clock: new VirtualClock() });
    const told: unknown[] = [];
    const stop = monitor.events.on('slow-operation', (event) =>
      told.push([event.operation, event.durationMs, event.outcome]),
    );
    monitor.record('load', 100);
    monitor.record('load', 101);
    monitor.record('save', 5_000, true);
    monitor.record('toString', 5_000);
    stop();
    monitor.record('load', 500);
    expect(told).toEqual([['load', 101, 'success']]);
    const strict = performanceMonitor({ slowMs: 10 });
    strict.events.on('*', (event) => told.push((event as { outcome?: string }).outcome));
    strict.record('save', 11, true);
    expect(told.at(-1)).toBe('failure');
  });
});

it('refuses options that can not be meant, all at once', () => {
  const faults = (options: object): readonly string[] => {
    try {
      performanceMonitor(options);
    } catch (error) {
      return (error as ConfigurationError).faults.map(({ path }) => path);
    }
    return [];
  };
  expect(faults({ maxOperations: 0, slowMs: { load: -1 }, clok: 1 })).toEqual([
    'performanceMonitor.maxOperations',
    'performanceMonitor.slowMs',
    'performanceMonitor.clok',
  ]);
});
