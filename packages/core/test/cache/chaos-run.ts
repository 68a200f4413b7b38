/**
 * Two instances of a cache over one Redis, under load, while something goes wrong.
 *
 * A source of truth counts up; whoever changes it invalidates the key in its own instance. Every call is timed, and
 * every value that is read after an invalidation returned in that instance is compared with what was true then. At the
 * end both instances must tell the truth again within a second of the recovery.
 */
import { Redis } from 'ioredis';
import { ChaosChild } from './chaos-child.ts';
import { ChaosInstance, type InstanceOptions, KEYS, pause, type Seen, type Source } from './chaos-instance.ts';
import { RedisServer } from './redis-server.ts';

const LOAD_MS = 5;
/** An instance that has done less has not taken part. */
const LEAST_CALLS = 100;

/** What came of a row. */
export interface ChaosResult extends Readonly<Seen> {
  readonly unhandled: number;
  /** How long after the recovery both instances told the truth about all keys; Infinity: never. */
  readonly convergedMs: number;
}

/** What a row works with. */
export interface ChaosBench {
  readonly server: RedisServer;
  /** Those in this process. */
  readonly instances: readonly ChaosInstance[];
  /** A connection beside those of the caches. */
  bare(): Promise<Redis>;
  readonly pause: (ms: number) => Promise<void>;
}

export interface ChaosRow {
  readonly name: string;
  /** False: the server is started by the row. */
  readonly startsUp?: boolean;
  /** True: each instance is a process of its own; default: both are in this one. */
  readonly ownProcesses?: boolean;
  /** Options of the two instances, where they are in this process. */
  readonly options?: (instance: 0 | 1) => InstanceOptions;
  /** Makes things go wrong and right again. */
  run(bench: ChaosBench): Promise<void>;
}

/** A source in this process, and what it has. */
function countingSource(): { readonly source: Source; readonly truth: ReadonlyMap<string, number> } {
  const truth = new Map(KEYS.map((key) => [key, 0]));
  const source: Source = {
    load: async (key) => {
      const value = truth.get(key)!;
      await pause(LOAD_MS);
      return value;
    },
    raise: async (key) => {
      const value = truth.get(key)! + 1;
      truth.set(key, value);
      return value;
    },
  };
  return { source, truth };
}

function summed(all: readonly Seen[]): Seen {
  const sum = (of: (seen: Seen) => number): number => all.reduce((total, seen) => total + of(seen), 0);
  return {
    calls: sum(({ calls }) => calls),
    slowestMs: Math.max(...all.map(({ slowestMs }) => slowestMs)),
    failed: sum(({ failed }) => failed),
    staleReads: sum(({ staleReads }) => staleReads),
  };
}

/** How long it takes until all tell the truth, from `recoveredAt`. */
async function convergence(
  all: readonly (ChaosInstance | ChaosChild)[],
  truth: ReadonlyMap<string, number>,
  recoveredAt: number,
): Promise<number> {
  while (performance.now() - recoveredAt < 3_000) {
    const agree: boolean[] = [];
    for (const each of all) agree.push(await each.tells(truth));
    if (agree.every(Boolean)) return performance.now() - recoveredAt;
    await pause(20);
  }
  return Infinity;
}

/** Runs a row. */
export async function runChaos(row: ChaosRow): Promise<ChaosResult> {
  const server = row.startsUp === false ? await RedisServer.notStarted() : await RedisServer.start();
  const optionsOf = row.options ?? (() => ({}));
  const { source, truth } = countingSource();
  let unhandled = 0;
  const onUnhandled = (): void => void unhandled++;
  process.on('unhandledRejection', onUnhandled);
  const instances: ChaosInstance[] = [];
  const children: ChaosChild[] = [];
  for (const which of [0, 1] as const) {
    if (row.ownProcesses === true) children.push(await ChaosChild.start(server.port, source));
    else instances.push(new ChaosInstance(server.port, source, optionsOf(which)));
  }
  const all = [...instances, ...children];
  const others: Redis[] = [];

  await pause(300);
  await row.run({
    server,
    instances,
    pause,
    bare: async () => {
      const client = new Redis(server.port, '127.0.0.1');
      others.push(client);
      return client;
    },
  });
  const recoveredAt = performance.now();
  await pause(200);
  await Promise.all(all.map((each) => each.end()));
  const convergedMs = await convergence(all, truth, recoveredAt);
  for (const instance of instances) await instance.close();
  const fromChildren = await Promise.all(children.map((child) => child.close()));
  for (const client of others) client.disconnect();
  await server.stop();
  await pause(20);
  process.off('unhandledRejection', onUnhandled);
  for (const seen of fromChildren) unhandled += seen.unhandled;
  const seenByAll = [...instances.map(({ seen }) => seen), ...fromChildren];
  if (seenByAll.some(({ calls }) => calls < LEAST_CALLS)) throw new Error('an instance has not taken part');
  return { ...summed(seenByAll), unhandled, convergedMs };
}
