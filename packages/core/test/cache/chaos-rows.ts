import type { ChaosBench, ChaosRow } from './chaos-run.ts';

/** Changes every stored value. */
async function everyValue(bench: ChaosBench, change: (bytes: Buffer) => Buffer): Promise<void> {
  const bare = await bench.bare();
  for (const key of await bare.keys('chaos:v:*')) {
    const bytes = await bare.getBuffer(key);
    if (bytes !== null && bytes.length > 16) await bare.set(key, change(bytes), 'KEEPTTL');
  }
}

/** A clock whose wall time is an hour ahead; everything else is the system's. */
function anHourAhead(): object {
  return {
    coalesces: true,
    now: () => performance.now(),
    wallTime: () => Date.now() + 3_600_000,
    setTimer: (delayMs: number, callback: () => void) => {
      const timer = setTimeout(callback, delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
  };
}

/** So little memory that the second tier is asked all the time. */
const smallMemory = { cache: { maxEntries: 5 } };

/** A row about stored values that can't be read is worth something only if some were. */
function sawPoison({ instances }: ChaosBench): void {
  if (instances.every(({ cache }) => cache.statistics.poison === 0))
    throw new Error('nobody has read what was changed');
}

async function killClients(bench: ChaosBench, type: 'normal' | 'pubsub'): Promise<void> {
  await (await bench.bare()).call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
}

export const chaosRows: readonly ChaosRow[] = [
  {
    name: 'down at start',
    startsUp: false,
    run: async ({ server, pause }) => {
      await pause(700);
      await server.start();
    },
  },
  {
    name: 'SIGKILL mid-run, started again',
    run: async ({ server, pause }) => {
      await server.stop();
      await pause(700);
      await server.start();
    },
  },
  {
    name: 'SIGSTOP, then SIGCONT',
    run: async ({ server, pause }) => {
      server.signal('SIGSTOP');
      await pause(1_200);
      server.signal('SIGCONT');
    },
  },
  {
    name: 'FLUSHALL',
    run: async (bench) => {
      await (await bench.bare()).flushall();
      await bench.pause(300);
    },
  },
  {
    name: 'a byte flipped in every stored value',
    options: () => smallMemory,
    run: async (bench) => {
      await everyValue(bench, (bytes) => {
        const flipped = Buffer.from(bytes);
        flipped[flipped.length - 1]! ^= 0x55;
        return flipped;
      });
      await bench.pause(500);
      sawPoison(bench);
    },
  },
  {
    name: 'the other instance writes another schema version',
    options: (instance) => ({ tier: { schemaVersion: instance }, ...smallMemory }),
    run: async (bench) => {
      await bench.pause(800);
      sawPoison(bench);
    },
  },
  {
    name: 'the clock of one instance an hour ahead',
    options: (instance) => (instance === 0 ? { cache: { clock: anHourAhead() } } : {}),
    run: ({ pause }) => pause(800),
  },
  {
    name: 'the output buffer of subscribers full: cut off',
    run: async (bench) => {
      const bare = await bench.bare();
      await bare.config('SET', 'client-output-buffer-limit', 'pubsub 1mb 1mb 1');
      const ballast = 'x'.repeat(2_000_000);
      for (let n = 0; n < 5; n++) await bare.publish('chaos:bus', ballast);
      await bench.pause(500);
    },
  },
  {
    name: 'the bus lost and back',
    run: async (bench) => {
      for (let n = 0; n < 5; n++) {
        await killClients(bench, 'pubsub');
        await bench.pause(100);
      }
    },
  },
  {
    name: 'every connection cut',
    run: async (bench) => {
      for (let n = 0; n < 5; n++) {
        await killClients(bench, 'normal');
        await bench.pause(100);
      }
    },
  },
  {
    name: 'two processes invalidating during loads',
    ownProcesses: true,
    run: ({ pause }) => pause(1_500),
  },
];
