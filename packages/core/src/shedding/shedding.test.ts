import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { LoadSource } from '../load/load-source.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { Priority } from '../policy/priority.ts';
import { CoalescingClock } from '../testing/test-support/coalescing-clock.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { retry } from '../retry/retry.ts';
import { shedding } from './shedding.ts';

const PRIORITIES = ['critical', 'high', 'normal', 'low', 'batch'] as const;
const item = (): string => 'item';

/** A load that the test sets, and how many of its readers were stopped. */
function playedLoad(name = 'played') {
  const played = { load: 0, made: 0, stopped: 0 };
  const source: LoadSource = {
    name,
    createReader: () => {
      played.made++;
      return { read: () => played.load, stop: () => void played.stopped++ };
    },
  };
  return { played, source };
}

describe('load shedding', () => {
  it('lets every call through up to half the load that should be at most, then refuses batch calls first', async () => {
    const { played, source } = playedLoad();
    const policy = shedding({ sources: [source], random: seededRandom(1) });
    const calls = pipeline(policy);
    const refused = async (load: number): Promise<string[]> => {
      played.load = load;
      const outcomes = await Promise.all(PRIORITIES.map((priority) => calls.tryExecute(item, { priority })));
      return PRIORITIES.filter((_, index) => !outcomes[index]!.ok);
    };
    expect(await refused(0.5)).toEqual([]);
    expect(await refused(0.75)).toEqual(['batch']);
    expect(await refused(1)).toEqual(expect.arrayContaining(['batch']));
    expect(await refused(1.125)).toEqual(expect.arrayContaining(['low', 'batch']));
    expect(await refused(1.5)).toEqual(['normal', 'low', 'batch']);
    expect(await refused(2.25)).toEqual(['high', 'normal', 'low', 'batch']);
    expect(await refused(100)).toEqual(['high', 'normal', 'low', 'batch']);
  });

  it('goes by its other sources where one throws, which is told, or gives no number', async () => {
    const { played, source } = playedLoad('busy');
    const bug = new Error('bug');
    const broken = (read: () => number): LoadSource => ({
      name: 'broken',
      createReader: () => ({ read, stop: () => undefined }),
    });
    const failing = broken(() => {
      throw bug;
    });
    const policy = shedding({ sources: [failing, source, broken(() => Number.NaN)], rampRatio: 0 });
    const calls = pipeline(policy);
    const told: unknown[] = [];
    calls.on('hook-failed', ({ hook, error }) => told.push([hook, error]));
    calls.on('load-shed', (event) => told.push(event.source));
    expect(await calls.execute(item)).toBe('item');
    played.load = 5;
    expect(policy.load).toBe(5);
    expect(await calls.tryExecute(item)).toMatchObject({ ok: false, error: { code: 'LOAD_SHED' } });
    expect(told).toEqual([['source', bug], ['source', bug], 'busy']);
  });

  it('refuses by a chance that rises with the load, and tells that chance', async () => {
    const { played, source } = playedLoad();
    const policy = shedding({ sources: [source], random: seededRandom(7) });
    const calls = pipeline(policy);
    const ratios: number[] = [];
    for (const load of [1.1, 1.25, 1.4]) {
      played.load = load;
      const outcomes = await Promise.all(Array.from({ length: 2_000 }, () => calls.tryExecute(item)));
      const ratio = outcomes.filter(({ ok }) => !ok).length / 2_000;
      expect(Math.abs(ratio - policy.refusalRatio('normal'))).toBeLessThan(0.04);
      ratios.push(policy.refusalRatio('normal'));
    }
    expect(ratios.map((ratio) => ratio.toFixed(2))).toEqual(['0.20', '0.50', '0.80']);
    expect(policy.refusalRatio('medium')).toBe(policy.refusalRatio('normal'));
  });

  it('fails what it refuses with a LoadShedError that never starts the function, and tells which source says so', async () => {
    const [calm, busy] = [playedLoad('calm'), playedLoad('busy')];
    calm.played.load = 0.2;
    busy.played.load = 2;
    const policy = shedding({ sources: [calm.source, busy.source], name: 'front' });
    const calls = pipeline({ name: 'api' }, policy);
    const told: unknown[] = [];
    calls.on('load-shed', ({ type, pipeline: of, policy: by, load, source, priorityLevel, outcome }) =>
      told.push({ type, of, by, load, source, priorityLevel, outcome }),
    );
    const outcome = await calls.tryExecute(item, { priority: 'low' });
    expect(outcome).toMatchObject({
      ok: false,
      attempts: 0,
      error: {
        name: 'LoadShedError',
        code: 'LOAD_SHED',
        category: 'bulkhead',
        policy: 'front',
        details: { load: 2 },
        message: 'the load is at 200 % of what it should be at most, and more urgent calls go first (front)',
      },
    });
    expect(told).toEqual([
      { type: 'load-shed', of: 'api', by: 'front', load: 2, source: 'busy', priorityLevel: 3, outcome: 'refused' },
    ]);
    await calls.execute(item, { priority: 'critical' });
    expect(policy.statistics).toEqual({
      admitted: 1,
      refused: 1,
      refusedByPriority: { critical: 0, high: 0, normal: 0, low: 1, batch: 0 },
    });
    expect(policy.load).toBe(2);
  });

  it('keeps the defaults of the priorities that are not named, and refuses all at once without a ramp', async () => {
    const { played, source } = playedLoad();
    const policy = shedding({ sources: [source], refuseAbove: { batch: 0.1, critical: 3 }, rampRatio: 0 });
    const ratios = (load: number): number[] => {
      played.load = load;
      return PRIORITIES.map((priority) => policy.refusalRatio(priority));
    };
    expect(ratios(0.1)).toEqual([0, 0, 0, 0, 0]);
    expect(ratios(0.11)).toEqual([0, 0, 0, 0, 1]);
    expect(ratios(0.76)).toEqual([0, 0, 0, 1, 1]);
    expect(ratios(3.01)).toEqual([1, 1, 1, 1, 1]);
  });

  it('goes by the delay of the event loop by default, and leaves no timer when its last pipeline is closed', async () => {
    const clock = new VirtualClock();
    const policy = shedding();
    const [one, other] = [pipeline({ clock }, policy), pipeline({ clock }, policy)];
    await one.execute(item);
    expect([policy.load, clock.pendingTimers]).toEqual([0, 1]);
    await one.close();
    expect(clock.pendingTimers).toBe(1);
    await other.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('measures by the clock of its first pipeline', () => {
    const { played, source } = playedLoad();
    const policy = shedding({ sources: [source] });
    pipeline({ clock: new VirtualClock() }, policy);
    expect([played.made, played.stopped]).toEqual([2, 1]);
    const own = shedding({ sources: [source], clock: new VirtualClock() });
    pipeline(own);
    expect([played.made, played.stopped]).toEqual([3, 1]);
  });

  it('reads no clock for a call', async () => {
    const coalescing = new CoalescingClock();
    const calls = pipeline({ clock: coalescing }, shedding());
    await calls.execute(item);
    coalescing.readings = 0;
    for (let n = 0; n < 1_000; n++) await calls.execute(item);
    expect(coalescing.readings).toBe(0);
  });

  it('is part of a synchronous call, and of one that is tried again', async () => {
    const { played, source } = playedLoad();
    const calls = pipeline(shedding({ sources: [source] }));
    expect(calls.executeSync(item)).toBe('item');
    played.load = 9;
    expect(() => calls.executeSync(item)).toThrow(expect.objectContaining({ code: 'LOAD_SHED' }));
    const clock = new VirtualClock();
    const again = pipeline({ clock }, retry(), shedding({ sources: [source] }));
    const call = again.execute(item);
    played.load = 0;
    expect(await clock.settle(call)).toBe('item');
  });

  it('never refuses a priority with a greater chance than a less urgent one, whatever the options and the load', () => {
    const loads = fc
      .array(fc.double({ min: 0.01, max: 10, noNaN: true }), { minLength: 5, maxLength: 5 })
      .map((values) => values.toSorted((a, b) => a - b));
    const property = fc.property(
      loads,
      fc.double({ min: 0, max: 5, noNaN: true }),
      fc.double({ min: 0, max: 40, noNaN: true }),
      ([batch = 1, low = 1, normal = 1, high = 1, critical = 1], rampRatio, load) => {
        const { played, source } = playedLoad();
        played.load = load;
        const policy = shedding({ sources: [source], refuseAbove: { batch, low, normal, high, critical }, rampRatio });
        const ratios = PRIORITIES.map((priority: Priority) => policy.refusalRatio(priority));
        expect(ratios).toEqual(ratios.toSorted((a, b) => a - b));
        expect(ratios.every((ratio) => ratio >= 0 && ratio <= 1)).toBe(true);
      },
    );
    fc.assert(property, propertyRuns(300));
  });

  it('refuses options that can not be meant, all at once', () => {
    const faults = (options: object): string[] => {
      try {
        shedding(options);
      } catch (error) {
        return (error as { faults: { path: string }[] }).faults.map(({ path }) => path);
      }
      return [];
    };
    expect(faults({ sources: [], refuseAbove: { urgent: 1 }, rampRatio: -1, above: 1 })).toEqual([
      'shedding.sources',
      'shedding.refuseAbove',
      'shedding.rampRatio',
      'shedding.above',
    ]);
    expect(faults({ refuseAbove: { medium: 1 } })).toEqual(['shedding.refuseAbove']);
    expect(faults({ refuseAbove: { normal: 0 }, sources: [{ name: 'half' }] })).toEqual([
      'shedding.refuseAbove',
      'shedding.sources',
    ]);
    expect(faults({ refuseAbove: { low: 3 } })).toEqual(['shedding.refuseAbove.normal']);
  });
});
