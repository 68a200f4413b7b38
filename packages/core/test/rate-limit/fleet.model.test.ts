/** Eight processes that share a limit never exceed it beyond what leases state. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisMissing, RedisServer } from '../cache/redis-server.ts';

const [major] = process.versions.node.split('.').map(Number) as [number];
const isLong = (process.env['BREAKWATER_LONG'] ?? '') !== '';
const PROCESSES = 8;
const DURATION_MS = isLong ? 10_000 : 1_500;
const PERIOD_MS = 500;

type Admission = readonly [sent: number, received: number];
interface Member {
  readonly admitted: readonly Admission[];
  readonly asked: number;
  readonly storeCalls: number;
}

let server: RedisServer;
beforeAll(async () => {
  if (redisMissing === undefined) server = await RedisServer.start();
});
afterAll(async () => {
  await server?.stop();
});

async function fleet(options: object): Promise<readonly Member[]> {
  const program = fileURLToPath(new URL('programs/fleet-member.ts', import.meta.url));
  const run = promisify(execFile);
  const json = JSON.stringify(options);
  const members = Array.from({ length: PROCESSES }, async () => {
    const { stdout } = await run(process.execPath, [program, String(server.port), String(DURATION_MS), json], {
      maxBuffer: 1e9,
    });
    return JSON.parse(stdout) as Member;
  });
  return Promise.all(members);
}

/** GCRA counts by the times to live of Redis, which are whole milliseconds. */
const WINDOW_MS = PERIOD_MS - 1;

/** The most that was let through within some window for sure: asked for and answered within it. */
function surelyWithinAnyWindow(members: readonly Member[]): number {
  const all = members.flatMap(({ admitted }) => admitted).toSorted((one, other) => one[0] - other[0]);
  let most = 0;
  for (const [at, [from]] of all.entries()) {
    let count = 0;
    for (let next = at; next < all.length && all[next]![0] < from + WINDOW_MS; next++) {
      if (all[next]![1] < from + WINDOW_MS) count++;
    }
    most = Math.max(most, count);
  }
  return most;
}

const sum = (members: readonly Member[], of: (member: Member) => number): number =>
  members.reduce((total, member) => total + of(member), 0);

/** From the first admission to the last. */
function spanMs(members: readonly Member[]): number {
  const all = members.flatMap(({ admitted }) => admitted);
  return Math.max(...all.map(([, received]) => received)) - Math.min(...all.map(([sent]) => sent));
}

// The members are TypeScript as they are, which older Nodes don't take.
describe.skipIf(redisMissing !== undefined || major < 24)('eight processes that share a limit', () => {
  const limit = 100;
  const cases = [
    { name: 'with GCRA let through burst + limit in a period at most', burst: 50, most: 150 },
    {
      name: 'with strict GCRA let through the limit in a period at most',
      burst: 10,
      strict: true,
      most: 100,
      rate: 90,
    },
    { name: 'with a sliding log let through the limit in a period at most', log: true, most: 100 },
    { name: 'with leases let through what they hold beyond that at most', leased: true, burst: 96, most: 196 + 48 },
  ];
  it.each(cases)('$name', { timeout: 120_000 }, async ({ name, most, rate = limit, ...options }) => {
    const members = await fleet({ namespace: name, limit, periodMs: PERIOD_MS, instances: PROCESSES, ...options });
    const admitted = sum(members, (member) => member.admitted.length);
    const asked = sum(members, (member) => member.asked);
    const calls = sum(members, ({ storeCalls }) => storeCalls);
    const seen = surelyWithinAnyWindow(members);
    console.log(`${name}: ${seen} of at most ${most}; ${admitted} of ${asked} let through, ${calls} store calls`);
    expect(seen).toBeLessThanOrEqual(most);
    expect(admitted).toBeLessThanOrEqual(most - limit + (rate * spanMs(members)) / PERIOD_MS + limit);
    // And it is no limit that lets nothing through.
    expect(admitted).toBeGreaterThan(0.8 * rate * (DURATION_MS / PERIOD_MS - 1));
    if (options.leased === true) expect(calls).toBeLessThan(asked / 10);
  });
});
