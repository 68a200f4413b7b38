/** One process of a fleet that shares a limit: asks as fast as it can, and prints when it was let through. */
import { Redis } from 'ioredis';
import {
  ioredisPort,
  redisLimits,
  sharedRateLimiter,
  slidingLog,
  type SharedOneLimitOptions,
} from '../../../src/rate-limit/index.ts';

const [port, durationMs, json] = process.argv.slice(2) as [string, string, string];
const { log, ...options } = JSON.parse(json) as SharedOneLimitOptions & { readonly log?: boolean };

const client = new Redis(Number(port), '127.0.0.1');
const limiter = sharedRateLimiter({
  storeTimeoutMs: 5_000,
  onStoreError: 'throw',
  ...options,
  ...(log === true ? { algorithm: slidingLog } : {}),
  store: redisLimits(ioredisPort(client)),
});

const now = (): number => performance.timeOrigin + performance.now();
const admitted: [sent: number, received: number][] = [];
const endsAt = now() + Number(durationMs);
let asked = 0;
while (now() < endsAt) {
  const sent = now();
  asked++;
  const { allowed } = await limiter.tryAcquire('hot');
  if (allowed) admitted.push([sent, now()]);
  // A decision by a lease leaves no time for anything else.
  if (asked % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}
const { storeCalls } = limiter.statistics;
await limiter.close();
client.disconnect();
console.log(JSON.stringify({ admitted, asked, storeCalls }));
