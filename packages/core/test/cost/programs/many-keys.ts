/** Prints what `keys` of which `maxKeys` are remembered cost a limiter, as JSON. Needs --expose-gc. */
import { rateLimiter } from '../../../src/rate-limit/index.ts';

// A day: nobody's debt is over, and forgotten, before the last has come, however slow the machine.
const [keys, maxKeys] = process.argv.slice(2).map(Number) as [number, number];
globalThis.gc!();
const before = process.memoryUsage();
const limiter = rateLimiter({ limit: 10, periodMs: 86_400_000, maxKeys });
let longestMs = 0;
for (let index = 0; index < keys;) {
  const heapBefore = process.memoryUsage().heapUsed;
  const started = process.threadCpuUsage().user;
  // Reading the time costs more than a few keys do.
  for (let times = 0; times < 64; times++) limiter.penalise(`client-${index++}`, 1);
  const tookMs = (process.threadCpuUsage().user - started) / 1_000;
  if (process.memoryUsage().heapUsed > heapBefore) longestMs = Math.max(longestMs, tookMs);
}
globalThis.gc!();
const after = process.memoryUsage();
const bytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
const remembered = limiter.statistics.keys;
process.stdout.write(JSON.stringify({ keys: remembered, longestMs, bytesPerKey: bytes / remembered }));
