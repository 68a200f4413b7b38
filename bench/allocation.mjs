// Bytes that a call allocates, whatever it is for: what the heap grows by while nothing is collected. Needs a process
// with --expose-gc and a young generation so large that no collection comes in between.
import { median } from './measure.mjs';
import { inSequence } from './run.mjs';

export const allocationFlags = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];

const warmUpCalls = 40_000;
const few = 1_000;
/** So that the young generation holds all that the longest run allocates. */
const budgetBytes = 100_000_000;
const repetitions = 5;

async function growth(candidate, calls) {
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  await inSequence(candidate, calls);
  return process.memoryUsage().heapUsed - before;
}

/** The difference of two lengths, so that what the measuring itself allocates falls out. */
export async function bytesPerCall(candidate) {
  await inSequence(candidate, warmUpCalls);
  const roughly = (await growth(candidate, few)) / few;
  const many = few + Math.min(40_000, Math.floor(budgetBytes / roughly));
  const found = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const base = await growth(candidate, few);
    found.push(((await growth(candidate, many)) - base) / (many - few));
  }
  return median(found);
}
