/** The lock of an output among many runs whose steps come in any order: each operation on files waits until chance lets it go on. */
import { seededRandom } from 'breakwater/testing';
import { beforeEach, expect, it, vi } from 'vitest';
import { lockOutput } from './run-lock.ts';

/** A folder in memory, as far as the lock needs one, and who waits to go on with it. */
const { disk } = vi.hoisted(() => {
  const fault = (code: string): Error => Object.assign(new Error(code), { code });
  const files = new Map<string, string>();
  const waiting: (() => void)[] = [];
  const turn = (): Promise<void> => new Promise((resolve) => void waiting.push(resolve));
  /** Happens at once, some time after it was asked for, and is known of some time after that. */
  const operation =
    <Given extends readonly unknown[], Result>(happens: (...given: Given) => Result) =>
    async (...given: Given): Promise<Result> => {
      await turn();
      try {
        return happens(...given);
      } finally {
        await turn();
      }
    };
  const create = (path: string, text: string | undefined): void => {
    if (files.has(path)) throw fault('EEXIST');
    if (text === undefined) throw fault('ENOENT');
    files.set(path, text);
  };
  const fs = {
    readdir: operation(() => [...files.keys()].map((path) => path.slice(path.lastIndexOf('/') + 1))),
    readFile: operation((path: string) => {
      const text = files.get(path);
      if (text === undefined) throw fault('ENOENT');
      return text;
    }),
    writeFile: async (path: string, text: string, options?: { readonly flag: string }) => {
      if (options?.flag === 'wx') await operation(create)(path, '');
      // A file is there before its content is.
      await operation(() => void files.set(path, text))();
    },
    link: operation((from: string, to: string) => create(to, files.get(from))),
    rm: operation((path: string) => void files.delete(path)),
  };
  return { disk: { files, waiting, fs } };
});

vi.mock('node:fs/promises', () => disk.fs);

beforeEach(() => disk.files.clear());

/** Lets all who wait go on, one at a time in random order, until these have ended. */
async function inAnyOrder(seed: number, all: Promise<unknown>): Promise<void> {
  const random = seededRandom(seed);
  const running = new Set([all]);
  void all.finally(() => running.clear());
  while (running.size > 0) {
    for (let n = 0; n < 10; n++) await Promise.resolve();
    const [next] = disk.waiting.splice(Math.floor(random.next() * disk.waiting.length), 1);
    next?.();
  }
  await all;
}

/** No process has it. */
const DEAD_PID = 2 ** 30;

it('is held by one at a time, however runs come, go and die', async () => {
  let [holders, most, held] = [0, 0, 0];
  const run = async (): Promise<void> => {
    const lock = await lockOutput('/out', 'out.jsonl').catch(() => undefined);
    if (lock === undefined) return;
    held++;
    most = Math.max(most, ++holders);
    await disk.fs.readdir();
    holders--;
    await lock.release();
  };
  const runs = async (): Promise<void> => {
    for (let n = 0; n < 4; n++) await run();
  };
  for (let seed = 1; seed <= 200; seed++) {
    disk.files.set('/out/lock.3', JSON.stringify({ pid: DEAD_PID, startedAt: '1' }));
    await inAnyOrder(seed, Promise.all([runs(), runs(), runs(), runs(), runs()]));
    expect([seed, most, holders]).toEqual([seed, 1, 0]);
    disk.files.clear();
  }
  expect(held).toBeGreaterThan(500);
});

it('leaves nothing behind, whoever won and whoever gave way', async () => {
  for (let seed = 1; seed <= 100; seed++) {
    disk.files.set('/out/lock.3', JSON.stringify({ pid: DEAD_PID, startedAt: '1' }));
    const tries = Array.from({ length: 8 }, () => lockOutput('/out', 'out.jsonl'));
    const settled = Promise.allSettled(tries);
    await inAnyOrder(seed, settled);
    const won = (await settled).flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect([seed, won.length]).toEqual([seed, 1]);
    await inAnyOrder(seed, won[0]!.release());
    expect([...disk.files]).toEqual([]);
  }
});
