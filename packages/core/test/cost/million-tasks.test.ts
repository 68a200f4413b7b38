/**
 * A million tasks, and what they leave on the heap while they run: measured in a process of its own, after a collection,
 * when all is under way and near the end.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Its built output is what runs. */
const core = fileURLToPath(new URL('../..', import.meta.url));
const TASKS = 1_000_000;
/** What the engine itself may add in between: compiled code, and a collector that keeps what is young. */
const MOST_GROWTH_BYTES = 3_000_000;

const program = (body: string): string => `
import { batcher, errorTracker, parallelMap, workerPool } from './dist/work/index.js';
const TASKS = ${TASKS};
const heap = () => { globalThis.gc(); return process.memoryUsage().heapUsed; };
let early = 0;
let late = 0;
let ended = 0;
const count = () => {
  ended++;
  if (ended === TASKS * 0.1) early = heap();
  if (ended === TASKS * 0.95) late = heap();
};
function* items() { for (let item = 0; item < TASKS; item++) yield item; }
const work = async (item) => { if (item % 100 === 99) throw new Error('one in a hundred'); return item; };
${body}
console.log(JSON.stringify({ ended, growth: late - early }));
`;

function play(body: string): { readonly ended: number; readonly growth: number } {
  const flags = ['--expose-gc', '--input-type=module', '--eval', program(body)];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8', cwd: core })) as never;
}

describe('a million tasks', () => {
  it.each([
    [
      'parallelMap, with failures that are collected and checkpoints that are saved',
      `const options = { concurrency: 50, onError: 'collect', order: 'completion', checkpoint: { every: 1_000, save: () => {} } };
       const mapper = (item) => work(item).catch((error) => { count(); throw error; });
       try { for await (const _ of parallelMap(items(), mapper, options)) count(); } catch (error) { if (error.failed !== TASKS / 100) throw error; }`,
    ],
    [
      'the map of a worker pool, with failures that are tracked',
      `const pool = workerPool({ maxWorkers: 50 });
       const tracker = errorTracker();
       const mapper = (item) => tracker.track(() => work(item)).catch(() => undefined);
       for await (const _ of pool.map(items(), mapper)) count();
       if (tracker.failed !== TASKS / 100) throw new Error('not all were tracked');`,
    ],
    [
      'a worker pool, from many callers',
      `const pool = workerPool({ maxWorkers: 50, taskTimeoutMs: 60_000 });
       const source = items();
       const caller = async () => { for (const item of source) { await pool.execute(() => work(item)).catch(() => {}); count(); } };
       await Promise.all(Array.from({ length: 200 }, caller));
       await pool.close();`,
    ],
    [
      'a batcher, in batches that are all full, so that the turn of the program does not end before they do',
      `const numbers = batcher({ batch: async (keys) => keys.map((key) => key % 100 === 99 ? new Error('one in a hundred') : key), maxItems: 100 });
       const source = items();
       const caller = async () => { for (const item of source) { await numbers.load(item).catch(() => {}); count(); } };
       await Promise.all(Array.from({ length: 1_000 }, caller));
       if (numbers.statistics.failed !== TASKS / 100) throw new Error('not all failures were counted');`,
    ],
  ])(
    'go through %s without growth of the heap',
    (_, body) => {
      const { ended, growth } = play(body);
      expect(ended).toBe(TASKS);
      expect(growth).toBeLessThan(MOST_GROWTH_BYTES);
    },
    120_000,
  );
});
