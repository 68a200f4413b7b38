// `npm run bench:redis` ends here: what a reading of the second tier costs next to the bare client, on a Redis of its own.
//
// Both ask the same server for the same value over the same client, the same number of keys at a time, and both parse its
// JSON. The memory of the cache holds one entry, so that every reading goes to Redis. The client gives back a text; the
// cache beyond that finds out that nothing is torn, foreign or outdated, that neither key nor namespace was invalidated,
// how long the value is good yet, and gives up in time. It has one advantage, which is what a cache is for: it asks for
// all keys of one turn of the program by one MGET. That also shows what it saves where keys are asked for in turn: nothing.
//
// Wall-clock time says how many readings there can be, CPU time what each costs this process. Ratios are medians over
// rounds, in each of which all candidates run, in an order of its own.
import { parseArgs } from 'node:util';
import { createCache, redisStore } from '../packages/core/dist/cache/index.js';
import { redisMissing, RedisServer } from '../packages/core/test/cache/redis-server.ts';
import { median } from './measure.mjs';
import { clients, KEYS, keys, measure, ratio, reading, table, value } from './redis-rounds.mjs';

/** How many readings are under way at a time. */
const widths = { 'one at a time': 1, '50 at a time': 50, '1,000 at once': KEYS };

/** How the second tier is to do: as good as the client where readings come together, and as three unbatched ones. */
const CEILING = 0.95;
const BATCHED_CEILING = 3;

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '25' }, check: { type: 'boolean', default: false } },
});

if (redisMissing !== undefined) {
  console.log(`not run: the second tier: ${redisMissing}`);
  process.exit();
}

const server = await RedisServer.start();
const rows = [];
let missed = 0;
for (const [name, open] of Object.entries(clients)) {
  const { client, port, end } = await open(server);
  const secondTier = { store: redisStore(port), softTimeoutMs: 1_000, hardTimeoutMs: 2_000 };
  const cache = createCache({ namespace: 'bench', maxEntries: 1, secondTier });
  await Promise.all(keys.map((key) => client.set(key, JSON.stringify(value))));
  await cache.setMany(keys.map((key) => [key, value]));
  const bare = async (key) => JSON.parse(await client.get(key));
  const candidates = new Map();
  for (const [label, width] of Object.entries(widths)) {
    candidates.set(`bare, ${label}`, reading(bare, width));
    candidates.set(
      `cache, ${label}`,
      reading((key) => cache.get(key), width),
    );
  }
  const costs = await measure(candidates, Number(options.rounds));
  if (cache.statistics.tierHits < KEYS) throw new Error('the second tier was not asked');
  for (const label of Object.keys(widths)) {
    const [bareName, cacheName] = [`bare, ${label}`, `cache, ${label}`];
    const wall = ratio(costs, bareName, cacheName, 'wall');
    const batched = ratio(costs, 'bare, one at a time', cacheName, 'wall');
    const isBatched = label !== 'one at a time';
    const met = wall >= CEILING && (!isBatched || batched >= BATCHED_CEILING);
    if (!met) missed++;
    rows.push([
      `${name}, ${label}`,
      `${median(costs.get(bareName).wall).toFixed(1)} / ${median(costs.get(bareName).cpu).toFixed(1)}`,
      `${median(costs.get(cacheName).wall).toFixed(1)} / ${median(costs.get(cacheName).cpu).toFixed(1)}`,
      wall.toFixed(2),
      ratio(costs, bareName, cacheName, 'cpu').toFixed(2),
      isBatched ? batched.toFixed(1) : '–',
      met ? 'met' : 'missed',
    ]);
  }
  await cache.close();
  end();
}
await server.stop();

const head = [
  '',
  'bare µs wall / CPU',
  'cache µs wall / CPU',
  '× bare',
  '× bare by CPU',
  '× bare one at a time',
  'verdict',
];
console.log(
  `Readings of ${KEYS.toLocaleString('en')} keys, Node ${process.versions.node}; to be met: ${CEILING} × the bare client,`,
);
console.log(`and where readings come together ${BATCHED_CEILING} × the bare client one at a time\n`);
console.log(table(head, rows));
if (options.check && missed > 0) process.exitCode = 1;
process.exit();
