// Work that needs a processor, on threads: piscina runs it, breakwater says how much at once, in which order, for how
// long, and what becomes of what fails.
//
//   npm install piscina
//   node examples/work-on-threads.mjs
import { isMainThread } from 'node:worker_threads';

/** What a thread does: the least prime above a number, the slow way. */
export default function nextPrime(number) {
  const isPrime = (candidate) => {
    for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false;
    return true;
  };
  let candidate = number + 1;
  while (!isPrime(candidate)) candidate++;
  return candidate;
}

if (isMainThread) {
  const { Piscina } = await import('piscina');
  const { errorTracker, onThreads, workerPool } = await import('breakwater/work');

  const threads = new Piscina({ filename: import.meta.filename, maxThreads: 2 });
  // As many at once as there are threads: whoever waits, waits here, where urgent tasks go first.
  const pool = workerPool({ name: 'primes', maxWorkers: 2, taskTimeoutMs: 30_000 });
  const tracker = errorTracker();
  const run = onThreads(threads);

  const numbers = [1e11, 2e11, 3e11, 4e11];
  const primes = pool.map(numbers, (number, context) => tracker.track(() => run(number, context), { key: number }));
  let index = 0;
  for await (const prime of primes) console.log(`${numbers[index++]} → ${prime}`);

  const urgent = await pool.execute((context) => run(100, context), { priority: 'critical', timeoutMs: 1_000 });
  console.log(`100 → ${urgent}`);
  console.log(`${tracker.succeeded} of ${tracker.total} went well; ${pool.statistics.peakRunning} at once`);

  await pool.close();
  await threads.destroy();
}
