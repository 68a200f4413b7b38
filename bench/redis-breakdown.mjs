// `npm run bench:redis -- --breakdown` ends here: where the time of a single reading of the second tier goes. Each step
// does what the one before does and a little more, from the bare client to the cache; all run in every round.
import { parseArgs } from 'node:util';
import { jsonCodec } from '../packages/core/dist/cache/codec/json-codec.js';
import { ValueCodec } from '../packages/core/dist/cache/codec/value-codec.js';
import { createCache, redisBus, redisStore } from '../packages/core/dist/cache/index.js';
import { redisMissing, RedisServer } from '../packages/core/test/cache/redis-server.ts';
import { median } from './measure.mjs';
import { clients, difference, keys, measure, ratio, reading, table, value } from './redis-rounds.mjs';

const { values: options } = parseArgs({
  options: {
    breakdown: { type: 'boolean', default: true },
    client: { type: 'string', default: 'iovalkey' },
    rounds: { type: 'string', default: '61' },
  },
});

if (redisMissing !== undefined) {
  console.log(`not run: the second tier: ${redisMissing}`);
  process.exit();
}

const server = await RedisServer.start();
const { client, port, end } = await clients[options.client](server);
const cacheWith = (more) =>
  createCache({
    namespace: 'bench',
    maxEntries: 1,
    secondTier: { store: redisStore(port), softTimeoutMs: 1_000, hardTimeoutMs: 2_000, ...more },
  });
const cache = cacheWith({});
const onBus = cacheWith({ bus: { source: redisBus(port) } });
const connected = new Promise(
  (resolve) => void onBus.on('cache-bus', ({ state }) => state === 'connected' && resolve()),
);
await Promise.all(keys.map((key) => client.set(key, JSON.stringify(value))));
await cache.setMany(keys.map((key) => [key, value]));
await connected;

const store = redisStore(port).open('bench');
const codec = new ValueCodec({
  codec: jsonCodec,
  compression: undefined,
  compressAboveBytes: Infinity,
  maxValueBytes: Infinity,
  schemaVersion: 0,
  schema: undefined,
});
const tierKey = (key) => key.replaceAll(':', '%3A');
const valueKey = (key) => `bench:v:${tierKey(key)}`;
const generation = '{bench}:g:';
const send = (...command) => port.send(command, { key: command[1] });

const steps = {
  'bare client, JSON parsed': async (key) => JSON.parse(await client.get(key)),
  'bare client, bytes': (key) => send('GET', key),
  'MGET of the value': (key) => send('MGET', valueKey(key)),
  'MGET of value and generation': (key) => send('MGET', valueKey(key), generation),
  'the store: version, expiry, server’s time': (key) => store.read([tierKey(key)], ['']),
  'its checksum, key and JSON': async (key) => {
    const { records } = await store.read([tierKey(key)], ['']);
    return codec.read(records[0].bytes, tierKey(key)).value;
  },
  'the cache: deadline, generation, flight, memory': (key) => cache.get(key),
  'the cache with a bus': (key) => onBus.get(key),
};
const candidates = new Map(Object.entries(steps).map(([name, read]) => [name, reading(read, 1)]));
const costs = await measure(candidates, Number(options.rounds));

const [bare] = candidates.keys();
const rows = [...candidates.keys()].map((name) => [
  name,
  median(costs.get(name).wall).toFixed(1),
  median(costs.get(name).cpu).toFixed(1),
  difference(costs, name, bare, 'wall').toFixed(1),
  ratio(costs, bare, name, 'wall').toFixed(2),
]);
console.log(`One reading at a time by ${options.client}, Node ${process.versions.node}, microseconds\n`);
console.log(table(['', 'wall', 'CPU', 'beyond the bare client', '× bare'], rows));
await cache.close();
await onBus.close();
end();
await server.stop();
process.exit();
