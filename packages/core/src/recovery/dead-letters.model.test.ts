/** Dead letters beside a plain list, over random schedules of letters, reruns, crashes and torn lines. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import { type DeadLetters, deadLetters, type LetterStore } from './index.ts';

const schedules = fc.record({
  seed: fc.integer(),
  maxLetters: fc.integer({ min: 1, max: 5 }),
  onFull: fc.constantFrom('refuse' as const, 'drop-oldest' as const),
  steps: fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ do: fc.constant('add' as const), attempts: fc.integer({ min: 1, max: 3 }) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('rerun' as const),
          limit: fc.integer({ min: 1, max: 4 }),
          concurrency: fc.integer({ min: 1, max: 3 }),
          maxAttempts: fc.integer({ min: 2, max: 5 }),
          /** Whether the letter whose number has this remainder by three goes well. */
          well: fc.nat(2),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), which: fc.nat(5) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), keep: fc.nat(60) }) },
    ),
    { maxLength: 15 },
  ),
});

const UNWRITTEN = `{"id":"torn","attempts":1,"at":"2026-01-01","error":{},"item":"${'x'.repeat(60)}"}`;

/** A disk: what is written is there, and a crash tears the line that was being written. */
class Disk implements LetterStore {
  text = '';

  async load(): Promise<readonly string[]> {
    return this.text.split('\n').filter((line) => line !== '');
  }

  async append(lines: readonly string[]): Promise<void> {
    this.beginLine();
    this.text += lines.map((line) => `${line}\n`).join('');
  }

  /** The process dies while a letter is being written: the beginning of its line is there. */
  tear(keep: number): void {
    if (keep === 0) return;
    this.beginLine();
    this.text += UNWRITTEN.slice(0, keep);
  }

  private beginLine(): void {
    if (this.text !== '' && !this.text.endsWith('\n')) this.text += '\n';
  }

  async replace(lines: readonly string[]): Promise<void> {
    this.text = lines.map((line) => `${line}\n`).join('');
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}

interface Plain {
  readonly item: number;
  readonly attempts: number;
}

describe('dead letters over random schedules', () => {
  it('are those of a plain list in its order: none lost but with notice, none twice, never too many, also after crashes', async () => {
    const property = fc.asyncProperty(schedules, async ({ seed, maxLetters, onFull, steps }) => {
      const disk = new Disk();
      const random = seededRandom(seed);
      const clock = new VirtualClock();
      const open = (): DeadLetters<number> => deadLetters({ store: disk, maxLetters, onFull, random, clock });
      let letters = open();
      let model: Plain[] = [];
      let damaged = 0;
      let nextItem = 0;

      for (const step of steps) {
        if (step.do === 'add') {
          const plain: Plain = { item: nextItem++, attempts: step.attempts };
          const fits = model.length < maxLetters || onFull === 'drop-oldest';
          const added = await letters.add(plain.item, new Error('down'), plain).then(
            () => true,
            (error: unknown) => (expect(error).toMatchObject({ code: 'DEAD_LETTERS_FULL' }), false),
          );
          expect(added).toBe(fits);
          if (fits) model = [...model.slice(Math.max(0, model.length + 1 - maxLetters)), plain];
        } else if (step.do === 'rerun') {
          const { limit, concurrency, maxAttempts, well } = step;
          const tried: number[] = [];
          const report = await letters.rerun(
            (item) => {
              tried.push(item);
              if (item % 3 !== well) throw new Error('again');
            },
            { limit, concurrency, maxAttempts },
          );
          const picked = model.filter(({ attempts }) => attempts < maxAttempts).slice(0, limit);
          expect(tried).toEqual(picked.map(({ item }) => item));
          const failed = picked.filter(({ item }) => item % 3 !== well);
          model = model.filter((letter) => !picked.includes(letter));
          model.push(...failed.map(({ item, attempts }) => ({ item, attempts: attempts + 1 })));
          expect(report).toMatchObject({
            tried: picked.length,
            succeeded: picked.length - failed.length,
            left: model.length,
            exhausted: model.filter(({ attempts }) => attempts >= maxAttempts).length,
          });
        } else if (step.do === 'remove') {
          const [letter] = (await letters.list()).slice(step.which, step.which + 1);
          if (letter !== undefined) expect(await letters.remove(letter.id)).toBe(true);
          model = model.filter((_, index) => index !== step.which);
        } else {
          if (step.keep > 0) damaged++;
          disk.tear(step.keep);
          letters = open();
        }
        const list = await letters.list();
        expect(list.map(({ item, attempts }) => ({ item, attempts }))).toEqual(model);
        expect(await letters.size()).toBe(model.length);
        expect(new Set(list.map(({ id }) => id)).size).toBe(list.length);
      }
      expect(await open().list()).toEqual(await letters.list());
      expect(await open().statistics()).toMatchObject({ letters: model.length, damaged });
    });
    await fc.assert(property, modelRuns());
  });
});
