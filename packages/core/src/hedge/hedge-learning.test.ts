import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { CoalescingClock } from '../testing/test-support/coalescing-clock.ts';
import { microtasks, watched } from '../testing/test-support/watched.ts';
import { hedge } from './hedge.ts';
import { learned } from './learned-delay.ts';
import { Attempts } from './test-support/attempts.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

describe('a hedge that learns its delay', () => {
  it('begins no attempt by time before it has learned, and shows none', async () => {
    const policy = hedge({ delayMs: learned({ minSamples: 2 }) });
    const calls = pipeline({ clock }, policy);
    const attempts = new Attempts();
    watched(calls.execute(attempts.fn));
    await clock.advance(60_000);
    expect([attempts.begun, policy.delayMs, clock.pendingTimers]).toEqual([1, undefined, 0]);
  });

  it('waits as long as first attempts take, and shows that', async () => {
    const policy = hedge({ delayMs: learned({ minSamples: 1 }) });
    const calls = pipeline({ clock }, policy);
    const one = new Attempts();
    watched(calls.execute(one.fn));
    await clock.advance(80);
    one.answer(1, 'item');
    await microtasks();
    expect(policy.delayMs).toBe(80);
    const two = new Attempts();
    watched(calls.execute(two.fn));
    await clock.advance(79);
    expect(two.begun).toBe(1);
    await clock.advance(1);
    expect(two.begun).toBe(2);
  });

  it('learns from first attempts only, and once from each: as answered, or as slower than the delay', async () => {
    const delay = learned();
    const seen: unknown[] = [];
    const recording = {
      ...delay,
      createEstimate: () => ({
        delayMs: 100,
        samples: 0,
        record: (tookMs: number, answered: boolean) => void seen.push([tookMs, answered]),
      }),
    };
    const policy = hedge({ delayMs: recording, maxAttempts: 3 });
    const calls = pipeline({ clock }, policy);
    const run = async (act: (attempts: Attempts, controller: AbortController) => void): Promise<void> => {
      const attempts = new Attempts();
      const controller = new AbortController();
      watched(calls.execute(attempts.fn, { signal: controller.signal }));
      await clock.advance(130);
      act(attempts, controller);
      await microtasks();
      controller.abort();
      await microtasks();
    };
    await run((attempts) => attempts.answer(1, 'item'));
    await run((attempts) => attempts.answer(2, 'item'));
    await run((attempts) => {
      attempts.fail(1, 'down');
      attempts.answer(2, 'item');
    });
    await run((_attempts, controller) => controller.abort());
    expect(seen).toEqual([
      [130, true],
      [130, false],
      [130, false],
      [130, false],
    ]);
  });

  it('comes to hedge the share of calls that it was told, though it never sees how slow the others were', async () => {
    const random = seededRandom(5);
    const policy = hedge({ delayMs: learned({ quantile: 0.9, minSamples: 10 }) });
    const calls = pipeline({ clock }, policy);
    const tookMs = (): number => 20 + 80 * random.next();
    const serve = (): Promise<string> => new Promise((resolve) => clock.setTimer(tookMs(), () => resolve('item')));
    const run = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        const call = watched(calls.execute(serve));
        while (call.state === 'pending') await clock.advanceToNextTimer();
        await clock.runAll();
      }
    };
    await run(400);
    const before = policy.statistics.hedges;
    await run(600);
    const share = (policy.statistics.hedges - before) / 600;
    expect(share).toBeGreaterThan(0.06);
    expect(share).toBeLessThan(0.15);
    expect(policy.delayMs).toBeGreaterThan(84);
  });

  it('keeps to a delay until it has changed by more than a sixty-fourth, so that calls share few delays', async () => {
    const estimate = { delayMs: 1_008, samples: 1, record: () => undefined };
    const policy = hedge({ delayMs: { quantile: 0.9, createEstimate: () => estimate } });
    const calls = pipeline({ clock }, policy);
    const waited: number[] = [];
    for (const delayMs of [1_008, 1_020, 1_024, 1_025, 1_010, 1_009, 1_008]) {
      estimate.delayMs = delayMs;
      const attempts = new Attempts();
      const call = watched(calls.execute(attempts.fn));
      const from = clock.now();
      await clock.advanceToNextTimer();
      waited.push(clock.now() - from);
      attempts.answer(2, 'item');
      await microtasks();
      expect(call.value).toBe('item');
    }
    expect(waited).toEqual([1_008, 1_008, 1_008, 1_025, 1_025, 1_009, 1_009]);
  });

  it.each([
    ['reads the clock twice for a call that is answered in time', learned({ minSamples: 1 }), 2],
    ['with a fixed delay reads it not at all', 10_000, 0],
  ] as const)('%s', async (_what, delayMs, readings) => {
    const coalescing = new CoalescingClock();
    const calls = pipeline({ clock: coalescing }, hedge({ delayMs }));
    for (let n = 0; n < 10; n++) await calls.execute(async () => 'item');
    coalescing.readings = 0;
    for (let n = 0; n < 100; n++) await calls.execute(async () => 'item');
    expect(coalescing.readings).toBeLessThanOrEqual(100 * readings + 5);
  });
});
