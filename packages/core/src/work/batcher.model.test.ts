/** A batcher beside the plainest one that can be written, over random schedules. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import { batcher } from './index.ts';

const schedules = fc.record({
  maxItems: fc.integer({ min: 1, max: 4 }),
  maxWeight: fc.constantFrom(3, 8, Infinity),
  steps: fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ do: fc.constant('load' as const), key: fc.nat(5), abortable: fc.boolean() }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('answer' as const), which: fc.nat(20), how: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
    ),
    { maxLength: 25 },
  ),
});

interface Load {
  readonly key: number;
  readonly batch: ModelBatch;
  readonly controller: AbortController | undefined;
  aborted: boolean;
  answer: unknown;
  answers: number;
}

/** A batch as the plain batcher has it. */
interface ModelBatch {
  readonly loads: Load[];
  gone: boolean;
}

const weightOf = (key: number): number => key + 1;
const keysOf = ({ loads }: ModelBatch): number[] => [
  ...new Set(loads.filter(({ aborted, batch }) => !aborted || batch.gone).map(({ key }) => key)),
];
const weightOfAll = (keys: readonly number[]): number => keys.reduce((sum, key) => sum + weightOf(key), 0);

async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await Promise.resolve();
}

describe('a batcher over random schedules', () => {
  it('makes the batches of a plain one, answers every load once with the result of its own key in its own batch, and loses none', async () => {
    const property = fc.asyncProperty(schedules, async ({ maxItems, maxWeight, steps }) => {
      const seen: { readonly keys: readonly number[]; readonly answer: (how: number) => void; answered: boolean }[] =
        [];
      const numbers = batcher<number, string>({
        maxItems,
        maxWeight,
        weigh: weightOf,
        // Long enough that only fullness and flushes decide.
        delayMs: 1_000_000,
        batch: (keys) =>
          new Promise((resolve, reject) => {
            const id = seen.length;
            const values = keys.map((key) => (key === 5 ? new Error('five') : `${id}:${key}`));
            const entry = {
              keys,
              answered: false,
              answer: (how: number) => {
                entry.answered = true;
                if (how === 0) reject(new Error('down'));
                else resolve(how === 1 ? new Map(keys.map((key, index) => [key, values[index]!])) : values);
              },
            };
            seen.push(entry);
          }),
      });
      const gone: ModelBatch[] = [];
      let open: ModelBatch = { loads: [], gone: false };
      const loads: Load[] = [];
      const go = (): void => {
        if (keysOf(open).length > 0)
          gone.push(Object.assign(open, { loads: open.loads.filter(({ aborted }) => !aborted), gone: true }));
        open = { loads: [], gone: false };
      };

      const load = (key: number, abortable: boolean): void => {
        if (!keysOf(open).includes(key) && weightOfAll(keysOf(open)) + weightOf(key) > maxWeight) go();
        const made: Load = {
          key,
          batch: open,
          controller: abortable ? new AbortController() : undefined,
          aborted: false,
          answer: undefined,
          answers: 0,
        };
        loads.push(made);
        open.loads.push(made);
        const tell = (answer: unknown): void => {
          made.answer = answer;
          made.answers++;
        };
        numbers
          .load(key, { signal: made.controller?.signal })
          .then(tell, (error: unknown) => tell(error instanceof Error ? error.message : error));
        if (keysOf(open).length >= maxItems || weightOfAll(keysOf(open)) >= maxWeight) go();
      };

      for (const step of steps) {
        if (step.do === 'load') load(step.key, step.abortable);
        else if (step.do === 'flush') {
          go();
          void numbers.flush();
        } else if (step.do === 'abort') {
          const candidates = loads.filter(({ controller, answers }) => controller !== undefined && answers === 0);
          const chosen = candidates[step.which % candidates.length];
          if (chosen !== undefined) {
            chosen.aborted = true;
            chosen.controller!.abort('left');
          }
        } else {
          const candidates = seen.filter(({ answered }) => !answered);
          candidates[step.which % candidates.length]?.answer(step.how);
        }
        await settle();
        expect(numbers.waiting).toBe(keysOf(open).length);
        const inOrder = (keys: Iterable<number>): number[] => [...keys].toSorted((a, b) => a - b);
        expect(seen.map(({ keys }) => inOrder(keys))).toEqual(
          gone.map((batch) => inOrder(new Set(batch.loads.map(({ key }) => key)))),
        );
      }
      go();
      const closed = numbers.close();
      for (const entry of seen) if (!entry.answered) entry.answer(2);
      await closed;
      await settle();
      for (const { keys } of seen) {
        expect(keys.length).toBeLessThanOrEqual(maxItems);
        if (keys.length > 1) expect(weightOfAll(keys)).toBeLessThanOrEqual(maxWeight);
        expect(new Set(keys).size).toBe(keys.length);
      }
      for (const { key, batch, aborted, answer, answers } of loads) {
        expect(answers).toBe(1);
        const results = [`${gone.indexOf(batch)}:${key}`, key === 5 ? 'five' : 'down', 'down'];
        if (aborted) expect(answer).toBe('left');
        else expect(results).toContain(answer);
      }
    });
    await fc.assert(property, modelRuns());
  });
});
