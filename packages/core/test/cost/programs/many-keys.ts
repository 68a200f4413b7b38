/**
 * Prints, as JSON, what `keys` of which `maxKeys` are remembered cost a limiter, or what putting them into small Maps
 * takes. Needs --expose-gc. Arguments: keys, maxKeys, `limiter` or `maps`.
 */
import { rateLimiter } from '../../../src/rate-limit/index.ts';

const keys = Number(process.argv[2]);
const maxKeys = Number(process.argv[3]);
globalThis.gc!();
const before = process.memoryUsage();
// A day: nobody's debt is over, and forgotten, before the last has come, however slow the machine.
const limiter = rateLimiter({ limit: 10, periodMs: 86_400_000, maxKeys });
const maps = Array.from({ length: 1_000 }, () => new Map<string, number>());
const put: (key: string, at: number) => unknown =
  process.argv[4] === 'maps' ? (key, at) => maps[at % 1_000]!.set(key, at) : (key) => limiter.penalise(key, 1);
let longestMs = 0;
for (let index = 0; index < keys;) {
  const heapBefore = process.memoryUsage().heapUsed;
  const started = process.threadCpuUsage().user;
  // Reading the time costs more than a few keys do.
  for (let times = 0; times < 64; times++, index++) put(`client-${index}`, index);
  const tookMs = (process.threadCpuUsage().user - started) / 1_000;
  if (process.memoryUsage().heapUsed > heapBefore) longestMs = Math.max(longestMs, tookMs);
}
globalThis.gc!();
const after = process.memoryUsage();
const bytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
const remembered = limiter.statistics.keys;
process.stdout.write(JSON.stringify({ keys: remembered, longestMs, bytesPerKey: bytes / remembered }));
