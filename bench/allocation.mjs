// Bytes that a call allocates, whatever it is for: what the heap grows by while nothing is collected. Needs a process
// with --expose-gc and a young generation so large that no collection comes in between.
import { median } from './measure.mjs';
import { inSequence } from './run.mjs';

export const allocationFlags = ['--expose-gc', '--min-semi-space-size=32', '--max-semi-space-size=64'];

const warmUpCalls = 40_000;
const few = 200;
const many = 1200;
const repetitions = 15;

async function growth(candidate, calls) {
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  await inSequence(candidate, calls);
  return process.memoryUsage().heapUsed - before;
}

/** The difference of two lengths, so that what the measuring itself allocates falls out. */
export async function bytesPerCall(candidate) {
  await inSequence(candidate, warmUpCalls);
  const found = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const base = await growth(candidate, few);
    found.push(((await growth(candidate, many)) - base) / (many - few));
  }
  return median(found);
}
