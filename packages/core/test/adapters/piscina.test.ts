/** Work on real threads, and the example that shows it. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { onThreads, parallelMap, workerPool } from 'breakwater/work';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';

const example = fileURLToPath(new URL('../../../../examples/work-on-threads.mjs', import.meta.url));
const program = fileURLToPath(new URL('./programs/thread.mjs', import.meta.url));

describe('work on threads of piscina', () => {
  let threads: Piscina<number, number>;
  beforeAll(() => {
    threads = new Piscina({ filename: program, maxThreads: 2 });
  });
  afterAll(() => threads.destroy());

  it('gives the results of the threads, in the order of the source, and their errors', async () => {
    const results: number[] = [];
    for await (const result of parallelMap([1, 2, 3], onThreads(threads, 'double'), { concurrency: 2 })) {
      expectTypeOf(result).toEqualTypeOf<number>();
      results.push(result);
    }
    expect(results).toEqual([2, 4, 6]);
    const failing = parallelMap([1], onThreads(threads, 'fail'), { concurrency: 1 });
    await expect(failing.next()).rejects.toThrow('no result for 1');
  });

  it('ends the work of a thread whose task has taken too long, and the thread serves the next one', async () => {
    const pool = workerPool({ maxWorkers: 2, taskTimeoutMs: 200, releaseOn: 'settled' });
    const run = onThreads(threads, 'spin');
    await expect(pool.execute((context) => run(1, context))).rejects.toMatchObject({ code: 'TASK_TIMEOUT' });
    const double = onThreads(threads, 'double');
    await expect(pool.execute((context) => double(21, context), { timeoutMs: 30_000 })).resolves.toBe(42);
    expect(await pool.close()).toBe(0);
  });

  it('is shown by an example that runs', () => {
    const output = execFileSync(process.execPath, [example], { encoding: 'utf8' });
    expect(output.trim().split('\n')).toEqual([
      '100000000000 → 100000000003',
      '200000000000 → 200000000041',
      '300000000000 → 300000000077',
      '400000000000 → 400000000019',
      '100 → 101',
      '4 of 4 went well; 2 at once',
    ]);
  });
});
