// `npm run bench:redis`, second part: decisions of shared limits next to those of others, on one Redis of the bench's own in one
// run. What the server does for a decision is its own figure (INFO commandstats); decisions per second are wall-clock time.
import { Redis } from 'ioredis';
import { ioredisPort, redisLimits, sharedRateLimiter } from '../packages/core/dist/rate-limit/index.js';
import { redisMissing, RedisServer } from '../packages/core/test/cache/redis-server.ts';
import { median, seededRandom } from './measure.mjs';
import { loadRivals } from './rivals.mjs';

const SERVER_TIME_CEILING = 1.25;
const LEASED_FLOOR = 10;
const ROUNDS = 9;
const DECISIONS = 4_000;
const AT_ONCE = 100;
const keys = Array.from({ length: 1_000 }, (_, n) => `client-${n}`);
const second = 1_000;

if (redisMissing !== undefined) {
  console.log(`not run: shared limits: ${redisMissing}`);
  process.exit();
}

const use = await loadRivals();
const server = await RedisServer.start();
const admin = new Redis(server.port, '127.0.0.1');
const clients = [admin];
function connect() {
  const client = new Redis(server.port, '127.0.0.1');
  clients.push(client);
  return client;
}

/** Limiters as the bench asks them: a function of the key, whose answer `wasAllowed` understands. */
const wasAllowed = (answer) => answer?.allowed ?? answer?.success ?? answer?.consumedPoints !== undefined;

function ours(options, onlyKey) {
  const limiter = sharedRateLimiter({
    storeTimeoutMs: 5_000,
    onStoreError: 'throw',
    ...options,
    store: redisLimits(ioredisPort(connect())),
  });
  return (key) => limiter.tryAcquire(onlyKey ?? key);
}

function flexible(limit) {
  const { RateLimiterRedis } = use('rate-limiter-flexible');
  const limiter = new RateLimiterRedis({
    storeClient: connect(),
    points: limit,
    duration: 1,
    keyPrefix: `flexible-${limit}`,
  });
  return (key) => limiter.consume(key);
}

/** What @upstash/ratelimit wants of its HTTP client, on a plain connection; the flag in its scripts is one that only its own servers know. */
function upstashClient() {
  const client = connect();
  const hashes = new Map();
  let asked = '';
  return {
    evalsha(hash, scriptKeys, parameters) {
      asked = hash;
      const own = hashes.get(hash);
      if (own === undefined) return Promise.reject(new Error('NOSCRIPT'));
      return client.evalsha(own, scriptKeys.length, ...scriptKeys, ...parameters);
    },
    async eval(script, scriptKeys, parameters) {
      const hash = asked;
      const own = await client.script('LOAD', script.replace(/^#!.*\n/, ''));
      hashes.set(hash, own);
      return client.evalsha(own, scriptKeys.length, ...scriptKeys, ...parameters);
    },
  };
}

function upstash(name, algorithm) {
  const { Ratelimit } = use('@upstash/ratelimit');
  const limiter = new Ratelimit({
    redis: upstashClient(),
    limiter: algorithm(Ratelimit),
    prefix: name,
    ephemeralCache: false,
    analytics: false,
    timeout: 0,
  });
  return (key) => limiter.limit(key);
}

async function decide(ask, count = DECISIONS) {
  for (let from = 0; from < count; from += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => ask(keys[(from + n) % keys.length])));
  }
}

/** What the server has spent on scripts, in microseconds. */
async function scriptTime() {
  const info = await admin.info('commandstats');
  return [...info.matchAll(/^cmdstat_eval(?:sha)?:calls=\d+,usec=(\d+)/gm)].reduce(
    (sum, [, usec]) => sum + Number(usec),
    0,
  );
}

async function measureAll(candidates) {
  const random = seededRandom(20_261_121);
  const seen = Object.fromEntries(Object.keys(candidates).map((name) => [name, { server: [], rate: [] }]));
  for (const ask of Object.values(candidates)) await decide(ask);
  for (let round = 0; round < ROUNDS; round++) {
    const order = Object.entries(candidates).sort(() => random() - 0.5);
    for (const [name, ask] of order) {
      const before = await scriptTime();
      const startedAt = performance.now();
      await decide(ask);
      seen[name].rate.push((DECISIONS / (performance.now() - startedAt)) * 1_000);
      seen[name].server.push(((await scriptTime()) - before) / DECISIONS);
    }
  }
  return Object.entries(seen).map(([name, { server: times, rate }]) => ({
    name,
    serverUs: median(times),
    rate: median(rate),
  }));
}

const plenty = 1_000_000;
const results = await measureAll({
  'ours, GCRA, fresh keys': ours({ namespace: 'fresh', limit: plenty, periodMs: second }),
  'ours, GCRA, keys in use': ours({ namespace: 'used', limit: plenty, periodMs: 86_400 * second }),
  'ours, GCRA, a hot key': ours({ namespace: 'hot', limit: 100_000, periodMs: second, burst: plenty }, 'hot'),
  'ours, GCRA, leased': ours({
    namespace: 'leased',
    limit: plenty,
    periodMs: second,
    leased: true,
    instances: 8,
    leaseMs: 60_000,
  }),
  'ours, two limits': ours({
    namespace: 'two',
    limits: [
      { name: 'second', limit: plenty, periodMs: second },
      { name: 'minute', limit: plenty, periodMs: 60 * second },
    ],
  }),
  'rate-limiter-flexible': flexible(plenty),
  '@upstash, fixed window': upstash('fixed', (all) => all.fixedWindow(plenty, '1 s')),
  '@upstash, sliding window': upstash('sliding', (all) => all.slidingWindow(plenty, '1 s')),
  '@upstash, token bucket': upstash('bucket', (all) => all.tokenBucket(plenty, '1 s', plenty)),
});
const of = (name) => results.find((result) => result.name === name);

console.log(`Decisions over ${keys.length} keys, ${AT_ONCE} at a time, the median of ${ROUNDS} rounds:\n`);
console.log('                            server µs a decision   decisions a second');
for (const { name, serverUs, rate } of results)
  console.log(
    `${name.padEnd(28)}${serverUs.toFixed(2).padStart(20)}${Math.round(rate).toLocaleString('en').padStart(21)}`,
  );
const slower = Math.max(of('ours, GCRA, fresh keys').serverUs, of('ours, GCRA, keys in use').serverUs);
const ratio = slower / of('rate-limiter-flexible').serverUs;
const leased = of('ours, GCRA, leased').rate / of('ours, GCRA, keys in use').rate;
console.log(
  `\nserver time: ${ratio.toFixed(2)} × rate-limiter-flexible (at most ${SERVER_TIME_CEILING}): ${ratio <= SERVER_TIME_CEILING ? 'met' : 'NOT MET'}`,
);
console.log(
  `leased: ${leased.toFixed(1)} × the decisions a second (at least ${LEASED_FLOOR}): ${leased >= LEASED_FLOOR ? 'met' : 'NOT MET'}`,
);

// --- accuracy ---

const LIMIT = 200;
const ACCURACY_MS = 3_000;
const INSTANCES = 4;

/** Everybody asks for the same key as fast as they can. The first second is the burst's; the rate is of the rest. */
async function accuracyOf(make) {
  const asks = Array.from({ length: INSTANCES }, make);
  const admitted = [];
  const startedAt = performance.now();
  await Promise.all(
    asks.map(async (ask) => {
      for (let now = startedAt; now - startedAt < ACCURACY_MS; now = performance.now()) {
        const answers = await Promise.allSettled([ask('hot'), ask('hot')]);
        const at = performance.now() - startedAt;
        for (const { status, value } of answers) if (status === 'fulfilled' && wasAllowed(value)) admitted.push(at);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }),
  );
  admitted.sort((one, other) => one - other);
  let most = 0;
  for (let first = 0, last = 0; last < admitted.length; last++) {
    while (admitted[last] - admitted[first] >= second) first++;
    most = Math.max(most, last - first + 1);
  }
  const later = admitted.filter((at) => at >= second && at < ACCURACY_MS).length;
  return { most, rate: later / (ACCURACY_MS / second - 1) };
}

const window = { limit: LIMIT, periodMs: second };
const accuracy = {
  'ours, GCRA, burst 200': () => ours({ ...window, namespace: 'a1' }),
  'ours, GCRA, burst 20': () => ours({ ...window, burst: 20, namespace: 'a2' }),
  'ours, GCRA, strict, burst 20': () => ours({ ...window, burst: 20, strict: true, namespace: 'a3' }),
  'ours, GCRA, leased': () => ours({ ...window, leased: true, instances: INSTANCES, namespace: 'a4' }),
  'rate-limiter-flexible': () => flexible(LIMIT),
  '@upstash, fixed window': () => upstash('a5', (all) => all.fixedWindow(LIMIT, '1 s')),
  '@upstash, sliding window': () => upstash('a6', (all) => all.slidingWindow(LIMIT, '1 s')),
  '@upstash, token bucket': () => upstash('a7', (all) => all.tokenBucket(LIMIT, '1 s', LIMIT)),
};
console.log(
  `\nA limit of ${LIMIT} a second, asked for by ${INSTANCES} clients as fast as they can for ${ACCURACY_MS / second} s:\n`,
);
console.log('                              most in any second   long-run rate a second');
for (const [name, make] of Object.entries(accuracy)) {
  const { most, rate } = await accuracyOf(make);
  console.log(`${name.padEnd(30)}${String(most).padStart(18)}${rate.toFixed(1).padStart(25)}`);
}

for (const client of clients) client.disconnect();
await server.stop();
process.exitCode = ratio <= SERVER_TIME_CEILING && leased >= LEASED_FLOOR ? 0 : 1;
process.exit();
