/** Writes to a disk store until it is killed; says "writing" once it does. */
import { createCache, diskStore } from '../../src/cache/index.ts';

const [directory, name] = process.argv.slice(2) as [string, string];
const cache = createCache<unknown>({
  namespace: 'shared',
  secondTier: { store: diskStore({ directory }), softTimeoutMs: 2_000, hardTimeoutMs: 5_000 },
});
for (let n = 0; ; n++) {
  await cache.set(`key ${n % 50}`, { name, n, text: 'x'.repeat(10_000) });
  if (n === 20) console.log('writing');
}
