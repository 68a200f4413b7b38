/** parallelMap beside the plainest one that can be written, over random schedules of readers and mappers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import { parallelMap } from './index.ts';

const schedules = fc.record({
  items: fc.nat(12),
  asyncSource: fc.boolean(),
  concurrency: fc.integer({ min: 1, max: 4 }),
  readAhead: fc.option(fc.nat(5), { nil: undefined }),
  order: fc.constantFrom('input' as const, 'completion' as const),
  onError: fc.constantFrom('stop' as const, 'collect' as const),
  steps: fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.record({ do: fc.constant('ask' as const) }) },
      {
        weight: 10,
        arbitrary: fc.record({
          do: fc.constant('answer' as const),
          which: fc.nat(10),
          ok: fc.oneof({ weight: 7, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('abort' as const, 'leave' as const) }) },
    ),
    { maxLength: 30 },
  ),
});
type Schedule = typeof schedules extends fc.Arbitrary<infer S> ? S : never;

/** What somebody who asked was told: a result, the end, or an error. */
type Told = number | 'end' | `error: ${string}`;

/** The plain one: lists, looked through each time. */
class ReferenceMap {
  readonly started: number[] = [];
  readonly told: Told[] = [];
  running: number[] = [];
  ended = false;
  private readonly schedule: Schedule;
  private readonly readAhead: number;
  /** What may be handed out, in its order; items that run are among them when the order is that of the source. */
  private line: { readonly item: number; state: 'running' | 'finished' | 'failed' }[] = [];
  private asking = 0;
  private failed = 0;
  private begun = false;
  private aborted = false;
  private error: string | undefined = undefined;

  constructor(schedule: Schedule) {
    this.schedule = schedule;
    this.readAhead = schedule.readAhead ?? schedule.concurrency;
  }

  ask(): void {
    this.asking++;
    this.begun = true;
    if (this.aborted) this.end('aborted');
    this.goOn();
  }

  answer(item: number, ok: boolean): void {
    this.running = this.running.filter((other) => other !== item);
    if (!ok) this.failed++;
    const place = this.line.find((other) => other.item === item);
    if (place !== undefined) place.state = ok ? 'finished' : 'failed';
    else if (ok) this.line.push({ item, state: 'finished' });
    if (!ok && this.schedule.onError === 'stop') this.end(`failed ${item}`);
    this.goOn();
  }

  abort(): void {
    // Nobody listens to the signal before the first result is asked for.
    this.aborted = true;
    if (this.begun) this.end('aborted');
    this.goOn();
  }

  leave(): void {
    this.end(undefined);
    this.goOn();
  }

  private end(error: string | undefined): void {
    if (this.ended) return;
    this.ended = true;
    this.error = error;
  }

  private goOn(): void {
    if (this.begun && !this.ended) {
      this.handOut();
      const { concurrency, items, order } = this.schedule;
      while (this.started.length < items && this.running.length < concurrency && this.mayGoAhead()) {
        const item = this.started.length;
        this.started.push(item);
        this.running.push(item);
        if (order === 'input') this.line.push({ item, state: 'running' });
      }
      const isDone = this.started.length === items && this.running.length === 0 && this.line.length === 0;
      // Whether there is more is found out by who may still go ahead.
      if (isDone && this.asking > 0) this.end(this.failed === 0 ? undefined : `${this.failed} failed`);
    }
    if (!this.ended || this.running.length > 0) return;
    for (; this.asking > 0; this.asking--) {
      this.told.push(this.error === undefined ? 'end' : `error: ${this.error}`);
      this.error = undefined;
    }
  }

  private mayGoAhead(): boolean {
    const waiting = this.line.filter(({ state }) => state === 'finished').length;
    return this.running.length + waiting < this.readAhead + this.asking;
  }

  private handOut(): void {
    for (let [first] = this.line; first !== undefined && first.state !== 'running'; [first] = this.line) {
      if (first.state === 'finished') {
        if (this.asking === 0) return;
        this.asking--;
        this.told.push(first.item);
      }
      this.line.shift();
    }
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve();
}

describe('parallelMap over random schedules', () => {
  it('starts the mappers that a plain one starts and tells its readers the same: none too many, none lost, none twice, all in the end', async () => {
    const property = fc.asyncProperty(schedules, async (schedule) => {
      const { items, asyncSource, concurrency, readAhead, order, onError, steps } = schedule;
      const model = new ReferenceMap(schedule);
      const controller = new AbortController();
      const started: number[] = [];
      const answers = new Map<number, (ok: boolean) => void>();
      const told: Told[] = [];
      let asked = 0;
      let closed = 0;
      function* source(): Generator<number> {
        try {
          for (let item = 0; item < items; item++) yield item;
        } finally {
          closed++;
        }
      }
      async function* slowSource(): AsyncGenerator<number> {
        yield* source();
      }
      const mapper = (item: number): Promise<number> => {
        started.push(item);
        return new Promise((resolve, reject) => {
          answers.set(item, (ok) => {
            answers.delete(item);
            if (ok) resolve(item);
            else reject(new Error(`failed ${item}`));
          });
        });
      };
      const results = parallelMap(asyncSource ? slowSource() : source(), mapper, {
        ...{ concurrency, readAhead, order, onError },
        signal: controller.signal,
      });
      const tell = (error: unknown): void => {
        const text = error instanceof Error ? error.message : String(error);
        told.push(`error: ${text.replace(/ items? failed/, ' failed')}`);
      };
      const ask = (): void => {
        asked++;
        results.next().then(({ done, value }) => void told.push(done === true ? 'end' : value), tell);
        model.ask();
      };
      const answer = (item: number, ok: boolean): void => {
        answers.get(item)!(ok);
        model.answer(item, ok);
      };

      for (const step of steps) {
        if (step.do === 'ask') ask();
        else if (step.do === 'answer') {
          const open = [...answers.keys()];
          if (open.length > 0) answer(open[step.which % open.length]!, step.ok);
        } else if (step.do === 'abort') {
          controller.abort('aborted');
          model.abort();
        } else {
          void results.return!().catch(tell);
          model.leave();
        }
        await settle();
        expect([started, told]).toEqual([model.started, model.told]);
        expect(answers.size).toBeLessThanOrEqual(concurrency);
      }

      for (let round = 0; round <= items + 1; round++) {
        ask();
        for (const item of answers.keys()) answer(item, true);
        await settle();
      }
      expect([started, told]).toEqual([model.started, model.told]);
      expect(told).toHaveLength(asked);
      expect(answers.size).toBe(0);
      if (started.length > 0) expect(closed).toBe(1);
    });
    await fc.assert(property, modelRuns());
  });
});
