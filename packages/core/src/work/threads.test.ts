import { expect, it } from 'vitest';
import { onThreads, parallelMap, workerPool } from './index.ts';

it('work for threads takes the item, its signal and the name of the function', async () => {
  const calls: unknown[] = [];
  const threads = {
    run: async (task: number, options: { readonly signal: AbortSignal; readonly name?: string }) => {
      calls.push([task, options.signal.aborted, options.name]);
      return task * 2;
    },
  };
  const results: number[] = [];
  for await (const result of parallelMap([1, 2], onThreads(threads), { concurrency: 2 })) results.push(result);
  for await (const result of workerPool().map([3], onThreads(threads, 'double'))) results.push(result);
  expect(results).toEqual([2, 4, 6]);
  expect(calls).toEqual([
    [1, false, undefined],
    [2, false, undefined],
    [3, false, 'double'],
  ]);
});
