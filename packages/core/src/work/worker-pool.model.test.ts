/** A worker pool beside the plainest one that can be written, over random schedules. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import { workerPool } from './index.ts';

const priorities = ['critical', 'high', 'normal', 'low', 'batch'] as const;
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('add' as const), level: fc.nat(4) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(30), ok: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const) }) },
  ),
  { maxLength: 30 },
);
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;
const schedules = fc.record({
  maxWorkers: fc.integer({ min: 1, max: 4 }),
  maxQueue: fc.constantFrom(0, 2, 5, Infinity),
  releaseOn: fc.constantFrom('outcome' as const, 'settled' as const),
  closing: fc.constantFrom('run' as const, 'reject' as const),
  steps,
});

interface Task {
  readonly id: number;
  readonly level: number;
  readonly controller: AbortController;
  end(ok: boolean): void;
  /** What became of it for its caller, and how many times it was told. */
  answer: string | undefined;
  answers: number;
  functionEnded: boolean;
}

/** The plain pool: arrays, and a search through them each time. */
class ReferencePool {
  readonly started: number[] = [];
  readonly waiting: Task[] = [];
  readonly holding: Set<Task> = new Set();
  paused = false;
  private readonly max: number;
  private readonly maxQueue: number;

  constructor(max: number, maxQueue: number) {
    this.max = max;
    this.maxQueue = maxQueue;
  }

  /** Whether the task is taken. */
  add(task: Task): boolean {
    const atOnce = !this.paused && this.holding.size < this.max && this.waiting.length === 0;
    if (!atOnce && this.waiting.length >= this.maxQueue) return false;
    this.waiting.push(task);
    this.fill();
    return true;
  }

  leave(task: Task): void {
    this.holding.delete(task);
    this.fill();
  }

  fill(): void {
    while (!this.paused && this.holding.size < this.max && this.waiting.length > 0) {
      const next = this.waiting.reduce((best, task) => (task.level < best.level ? task : best));
      this.waiting.splice(this.waiting.indexOf(next), 1);
      this.holding.add(next);
      this.started.push(next.id);
    }
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
}

describe('a worker pool over random schedules', () => {
  it('starts the tasks that a plain one starts, in its order, never too many; none is lost, none runs twice, all are answered after close', async () => {
    const property = fc.asyncProperty(
      schedules,
      async ({ maxWorkers, maxQueue, releaseOn, closing, steps: script }) => {
        const pool = workerPool({ clock: new VirtualClock(), maxWorkers, maxQueue, releaseOn });
        const model = new ReferencePool(maxWorkers, maxQueue);
        const tasks: Task[] = [];
        const started: number[] = [];
        let inside = 0;

        const add = (level: number): void => {
          let settleFunction: (ok: boolean) => void = () => undefined;
          const task: Task = {
            id: tasks.length,
            level,
            controller: new AbortController(),
            end: (ok) => settleFunction(ok),
            answer: undefined,
            answers: 0,
            functionEnded: false,
          };
          tasks.push(task);
          const fn = (): Promise<number> => {
            started.push(task.id);
            inside++;
            return new Promise((resolve, reject) => {
              settleFunction = (ok) => {
                inside--;
                task.functionEnded = true;
                if (ok) resolve(task.id);
                else reject(new Error('no'));
              };
            });
          };
          const taken = model.add(task);
          const tell = (answer: string) => () => {
            task.answer = answer;
            task.answers++;
          };
          const { signal } = task.controller;
          pool
            .execute(fn, { priority: priorities[level]!, signal })
            .then(tell('resolved'), (error: unknown) =>
              tell(typeof error === 'string' ? error : ((error as { code?: string }).code ?? 'failed'))(),
            );
          if (!taken) task.answer = 'expected to be refused';
        };

        const play = (step: Step): void => {
          if (step.do === 'add') return add(step.level);
          if (!('which' in step)) {
            pool[step.do]();
            model.paused = step.do === 'pause';
            return model.fill();
          }
          const open = tasks.filter((task) => started.includes(task.id) && !task.functionEnded);
          const waiting = [...model.waiting];
          const candidates = step.do === 'end' ? open : [...open, ...waiting];
          const subject = candidates[step.which % candidates.length];
          if (subject === undefined) return;
          if (step.do === 'end') {
            subject.end(step.ok);
            model.leave(subject);
          } else if (subject.answer === undefined) {
            subject.controller.abort('left');
            const at = model.waiting.indexOf(subject);
            if (at >= 0) model.waiting.splice(at, 1);
            else if (releaseOn === 'outcome') model.leave(subject);
          }
        };

        const check = (): void => {
          expect(started).toEqual(model.started);
          expect([pool.running, pool.queued]).toEqual([model.holding.size, model.waiting.length]);
          expect(pool.running).toBeLessThanOrEqual(maxWorkers);
          if (releaseOn === 'settled') expect(inside).toBeLessThanOrEqual(maxWorkers);
        };

        for (const step of script) {
          play(step);
          await settle();
          check();
        }
        const closed = pool.close({ queued: closing });
        let left: number | undefined;
        void closed.then((count) => (left = count));
        for (let round = 0; round <= tasks.length; round++) {
          for (const task of tasks) if (!task.functionEnded) task.end(true);
          await settle();
        }
        expect(left).toBe(0);
        expect(tasks.filter(({ answers }) => answers !== 1)).toEqual([]);
        expect(new Set(started).size).toBe(started.length);
        expect([pool.running, pool.queued]).toEqual([0, 0]);
      },
    );
    await fc.assert(property, modelRuns());
  });
});
