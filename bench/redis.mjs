// `npm run bench:redis` ends here: what a reading of the second tier costs next to the bare client, on a Redis of its own.
// Wall-clock time: most of it is Redis' and the way there.
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { createCache, ioredisPort, nodeRedisPort, redisStore } from '../packages/core/dist/cache/index.js';
import { redisMissing, RedisServer } from '../packages/core/test/cache/redis-server.ts';
import { median } from './measure.mjs';

const KEYS = 1_000;
const ROUNDS = 15;
const keys = Array.from({ length: KEYS }, (_, n) => `user:${n}`);
const value = { id: 7, name: 'Ada Lovelace', tags: ['a', 'b'], text: 'x'.repeat(200) };

if (redisMissing !== undefined) {
  console.log(`not run: the second tier: ${redisMissing}`);
  process.exit();
}

const oneByOne = async (read) => {
  for (const key of keys) await read(key);
};
const atOnce = (read) => Promise.all(keys.map(read));

/** Keys a millisecond, the median over rounds, the candidates in turns. */
async function measure(candidates) {
  const rates = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  for (let round = -3; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(candidates)) {
      const startedAt = performance.now();
      await run();
      if (round >= 0) rates[name].push(KEYS / (performance.now() - startedAt));
    }
  }
  return Object.fromEntries(Object.entries(rates).map(([name, list]) => [name, median(list)]));
}

const server = await RedisServer.start();
const ioredis = new Redis(server.port, '127.0.0.1');
const nodeRedis = createClient({ socket: { port: server.port, host: '127.0.0.1' } });
await nodeRedis.connect();
for (const key of keys) await ioredis.set(key, JSON.stringify(value));

/** A cache whose memory holds next to nothing, so that every reading goes to the second tier. */
const cacheOn = (port) =>
  createCache({
    namespace: 'bench',
    maxEntries: 1,
    secondTier: { store: redisStore(port), softTimeoutMs: 1_000, hardTimeoutMs: 2_000 },
  });
const caches = { ioredis: cacheOn(ioredisPort(ioredis)), 'node-redis': cacheOn(nodeRedisPort(nodeRedis)) };
await caches.ioredis.setMany(keys.map((key) => [key, value]));

for (const [name, client] of Object.entries({ ioredis, 'node-redis': nodeRedis })) {
  const bare = async (key) => JSON.parse(await client.get(key));
  const cache = caches[name];
  const rates = await measure({
    'bare, one by one': () => oneByOne(bare),
    'cache, one by one': () => oneByOne((key) => cache.get(key)),
    'bare, at once': () => atOnce(bare),
    'cache, at once': () => cache.getMany(keys),
  });
  for (const [what, rate] of Object.entries(rates))
    console.log(`${name}: ${what.padEnd(20)} ${rate.toFixed(1)} keys/ms`);
  const single = rates['cache, one by one'] / rates['bare, one by one'];
  const batched = rates['cache, at once'] / rates['bare, one by one'];
  console.log(
    `${name}: one by one ${single.toFixed(2)} × the bare client; at once ${batched.toFixed(1)} × the bare client one by one\n`,
  );
}
ioredis.disconnect();
nodeRedis.destroy();
await server.stop();
process.exit();
