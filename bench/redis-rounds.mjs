// What the benches of the second tier share: the values, the clients, and rounds in each of which all candidates run, in
// an order of its own.
import { Redis } from 'ioredis';
import { Redis as Valkey } from 'iovalkey';
import { createClient } from 'redis';
import { ioredisPort, nodeRedisPort } from '../packages/core/dist/cache/index.js';
import { median, seededRandom } from './measure.mjs';

const WARM_UP_ROUNDS = 5;

/** How many readings a round has. */
export const KEYS = 1_000;
export const keys = Array.from({ length: KEYS }, (_, n) => `user:${n}`);
export const value = { id: 7, name: 'Ada Lovelace', tags: ['a', 'b'], text: 'x'.repeat(200) };

/** The clients that are measured, each with its port and what ends it. */
export const clients = {
  ioredis: (server) => {
    const client = new Redis(server.port, '127.0.0.1');
    return { client, port: ioredisPort(client), end: () => client.disconnect() };
  },
  iovalkey: (server) => {
    const client = new Valkey(server.port, '127.0.0.1');
    return { client, port: ioredisPort(client), end: () => client.disconnect() };
  },
  'node-redis': async (server) => {
    const client = await createClient({ socket: { port: server.port, host: '127.0.0.1' } }).connect();
    return { client, port: nodeRedisPort(client), end: () => client.destroy() };
  },
};

/** Reads every key, so many at a time. */
export const reading = (read, width) => async () => {
  let at = 0;
  const worker = async () => {
    while (at < KEYS) await read(keys[at++]);
  };
  await Promise.all(Array.from({ length: width }, worker));
};

const shuffled = (list, random) =>
  list
    .map((item) => [random(), item])
    .sort(([one], [other]) => one - other)
    .map(([, item]) => item);

/** Microseconds a key of each candidate, by round: `{ wall, cpu }`. */
export async function measure(candidates, rounds) {
  const random = seededRandom(1);
  const costs = new Map([...candidates.keys()].map((name) => [name, { wall: [], cpu: [] }]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [name, run] of shuffled([...candidates], random)) {
      const before = process.cpuUsage();
      const startedAt = performance.now();
      await run();
      const wall = ((performance.now() - startedAt) / KEYS) * 1_000;
      const { user, system } = process.cpuUsage(before);
      if (round < 0) continue;
      costs.get(name).wall.push(wall);
      costs.get(name).cpu.push((user + system) / KEYS);
    }
  }
  return costs;
}

/** How `one` does next to `other`: above 1 it is quicker. The median over the rounds. */
export const ratio = (costs, one, other, kind) => {
  const others = costs.get(other)[kind];
  return median(costs.get(one)[kind].map((cost, round) => cost / others[round]));
};

/** How much longer `one` takes than `other`, in microseconds. The median over the rounds. */
export const difference = (costs, one, other, kind) => {
  const others = costs.get(other)[kind];
  return median(costs.get(one)[kind].map((cost, round) => cost - others[round]));
};

/** A table, its first column to the left. */
export function table(head, rows) {
  const all = [head, ...rows];
  const columns = head.map((_, at) => Math.max(...all.map((row) => row[at].length)));
  const line = (row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(columns[at]) : cell.padStart(columns[at]))).join('  ');
  return all.map(line).join('\n');
}
