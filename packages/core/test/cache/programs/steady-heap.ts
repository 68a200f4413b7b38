/** Operations over a tenth as many keys; prints the heap in use after each tenth of them. Needs --expose-gc. */
import { createCache } from '../../../src/cache/index.ts';

const OPERATIONS = Number(process.argv[2]);
const KEYS = OPERATIONS / 10;
const cache = createCache<{ readonly n: number }>({ maxEntries: 50_000, staleIfErrorMs: 60_000 });
const { gc } = globalThis as unknown as { readonly gc: () => void };
const heap: number[] = [];
let state = 1;

/** The next number below `range`, the same in every run (xorshift32). */
function draw(range: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % range;
}

for (let n = 1; n <= OPERATIONS; n++) {
  const key = `key ${draw(KEYS)}`;
  const kind = n % 100;
  if (kind === 0) await cache.delete(key);
  else if (kind === 1) await cache.set(key, { n }, { tags: [`tag ${draw(1_000)}`] });
  else if (kind === 2) await cache.invalidateTags(`tag ${draw(1_000)}`);
  else if (kind === 3) await cache.getOrLoad(key, () => Promise.reject(new Error('down'))).catch(() => undefined);
  else await cache.getOrLoad(key, () => ({ n }));
  if (n % KEYS !== 0) continue;
  await new Promise((resolve) => setTimeout(resolve, 10));
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  heap.push(heapUsed + arrayBuffers);
}
console.log(JSON.stringify(heap));
await cache.close();
