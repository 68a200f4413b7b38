/** Random traffic against a bulkhead: never too many at once, first come first served, nothing lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { Priority } from '../policy/priority.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { deferred, microtasks, type Watched, watched } from '../testing/test-support/watched.ts';
import { bulkhead } from './bulkhead.ts';

interface Visitor {
  readonly id: number;
  readonly priority: Priority;
  readonly arrivedAt: number;
  readonly end: Watched<number>;
  readonly controller: AbortController;
  readonly finish: (ok: boolean) => void;
  started: boolean;
}

const priorities: fc.Arbitrary<Priority> = fc.constantFrom('critical', 'high', 'normal', 'low', 'batch');
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('arrive' as const), priority: priorities }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('finish' as const), which: fc.nat(50), ok: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60 }) }) },
  ),
  { minLength: 5, maxLength: 60 },
);

describe('a bulkhead under any traffic', () => {
  it('never runs too many, keeps the order of each class, refuses only when full or late, and loses nobody', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 5 }),
      steps,
      async (maxConcurrent, maxQueue, script) => {
        const clock = new VirtualClock();
        const gate = bulkhead({ clock, maxConcurrent, maxQueue, maxQueueWaitMs: 50 });
        const calls = pipeline(gate);
        const visitors: Visitor[] = [];
        const startedOrder: Visitor[] = [];
        let inside = 0;
        for (const step of script) {
          const waiting = visitors.filter(({ started, end }) => !started && end.state === 'pending');
          const inRoom = visitors.filter(({ started, end }) => started && end.state === 'pending');
          if (step.do === 'arrive') {
            const full = inRoom.length === maxConcurrent && waiting.length === maxQueue;
            const answer = deferred<number>();
            const controller = new AbortController();
            const id = visitors.length;
            const fn = async (): Promise<number> => {
              visitor.started = true;
              startedOrder.push(visitor);
              expect(++inside).toBeLessThanOrEqual(maxConcurrent);
              return answer.promise;
            };
            const visitor: Visitor = {
              id,
              priority: step.priority,
              arrivedAt: clock.now(),
              controller,
              started: false,
              finish: (ok) => (ok ? answer.resolve(id) : answer.reject(new Error('down'))),
              end: undefined as never,
            };
            visitors.push(visitor);
            const call = calls.execute(fn, { priority: step.priority, signal: controller.signal });
            Object.assign(visitor, { end: watched(call.finally(() => (visitor.started ? inside-- : inside))) });
            await microtasks(8);
            expect(visitor.end.state === 'rejected').toBe(full);
            if (full) expect(visitor.end.error).toMatchObject({ code: 'BULKHEAD_FULL' });
          } else if (step.do === 'finish' && inRoom.length > 0) {
            inRoom[step.which % inRoom.length]!.finish(step.ok);
            await microtasks(12);
          } else if (step.do === 'abort' && waiting.length + inRoom.length > 0) {
            const all = [...waiting, ...inRoom];
            const aborted = all[step.which % all.length]!;
            aborted.controller.abort('left');
            await microtasks(8);
            expect(aborted.end).toMatchObject({ state: 'rejected', error: 'left' });
          } else if (step.do === 'wait') await clock.advance(step.ms);
          const running = visitors.filter(({ started, end }) => started && end.state === 'pending').length;
          const queued = visitors.filter(({ started, end }) => !started && end.state === 'pending').length;
          expect([gate.running, gate.queued]).toEqual([running, queued]);
          if (queued > 0) expect(running).toBe(maxConcurrent);
        }
        for (const level of ['critical', 'high', 'normal', 'low', 'batch'] as const) {
          const ids = startedOrder.filter(({ priority }) => priority === level).map(({ id }) => id);
          expect(ids).toEqual([...ids].sort((a, b) => a - b));
        }
        for (let round = 0; round < visitors.length + 1; round++) {
          for (const visitor of visitors) if (visitor.started) visitor.finish(true);
          await microtasks(12);
        }
        await clock.advance(60);
        expect(visitors.filter(({ end }) => end.settled !== 1)).toEqual([]);
        expect([gate.running, gate.queued, calls.busy, clock.pendingTimers]).toEqual([0, 0, 0, 0]);
      },
    );
    await fc.assert(property, propertyRuns(120));
  }, 60_000);
});
