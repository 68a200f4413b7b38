import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from 'breakwater/clock';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from './frame.ts';
import { RowIndex, rowState } from './row-index.ts';
import { openJournal } from './run-journal.ts';
import type { RunJournal, RunJournalOptions } from './run-journal.ts';
import type { RunIdentity } from './run-identity.ts';
import { lockOutput } from './run-lock.ts';

let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'breakwater-journal-'));
  out = join(folder, 'out.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

const identity: RunIdentity = {
  version: 1,
  input: { name: 'words.csv', bytes: 10, sha256: 'abc' },
  options: { url: 'http://host', body: null },
};

async function journal(options: Partial<RunJournalOptions> = {}): Promise<RunJournal> {
  return await openJournal({
    outputPath: out,
    identity,
    start: 'resume',
    retryFailed: false,
    base: 0,
    expectedRows: undefined,
    clock: systemClock,
    ...options,
  });
}

const path = (): string => join(`${out}.breakwater`, 'journal');

async function settled(opened: RunJournal): Promise<string[]> {
  const results: string[] = [];
  for await (const result of opened.inOrderOfCompletion()) results.push(String(result).trimEnd());
  return results;
}

describe('a frame', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.nat(), fc.json(), (position, json) => {
        const frame = decodeFrame(encodeFrame('A', position, json));
        expect(frame).toMatchObject({ kind: 'A', position });
        expect(String(frame?.result)).toBe(`${json}\n`);
      }),
    );
  });

  it('is not recognised when a byte is missing or another', () => {
    const line = encodeFrame('F', 7, '{"a":"가"}');
    for (let at = 0; at < line.length; at += 1) {
      expect(decodeFrame(line.subarray(0, at))).toBeUndefined();
      const changed = Buffer.from(line);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(decodeFrame(changed)).toBeUndefined();
    }
  });
});

describe('an index of rows', () => {
  it('counts each row once, by its newest result, however many rows come', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 11, max: 3000 }), fc.boolean())), (results) => {
        const index = new RowIndex(10, 4);
        const model = new Map<number, { ok: boolean; offset: number }>();
        results.forEach(([position, ok], offset) => {
          index.set(position, ok ? rowState.answered : rowState.failed, offset);
          model.set(position, { ok, offset });
        });
        expect(index.answered).toBe([...model.values()].filter(({ ok }) => ok).length);
        expect(index.settled).toBe(model.size);
        for (const [position, { offset }] of model) expect(index.offset(position)).toBe(offset);
      }),
    );
  });
});

describe('a journal', () => {
  it('knows after a crash what was written before it, and cuts off a torn line wherever it is torn', async () => {
    const first = await journal({ start: 'new' });
    await Promise.all([
      first.settle(2, true, '{"n":2}'),
      first.settle(1, false, '{"n":1,"error":{"category":"timeout","message":"m"}}'),
    ]);
    const whole = statSync(path()).size;
    await first.settle(3, true, '{"n":"가"}');
    const last = statSync(path()).size;
    await first.close();
    for (let size = last - 1; size >= whole; size -= 1) {
      truncateSync(path(), size);
      const resumed = await journal();
      expect([resumed.index.state(1), resumed.index.state(2), resumed.index.state(3)]).toEqual([
        rowState.failed,
        rowState.answered,
        rowState.open,
      ]);
      await resumed.close();
      expect(statSync(path()).size).toBe(whole);
    }
  });

  it('goes on behind what it holds, and reads results back by their place', async () => {
    const first = await journal({ start: 'new' });
    await first.settle(1, true, '{"n":1}');
    await first.close();
    const second = await journal();
    await second.settle(2, true, `{"n":"${'x'.repeat(400_000)}"}`);
    await second.settle(3, true, '{"n":3}');
    expect(String(await second.reader.read(second.index.offset(3)))).toBe('{"n":3}\n');
    expect(String(await second.reader.read(second.index.offset(1)))).toBe('{"n":1}\n');
    expect((await second.reader.read(second.index.offset(2))).length).toBe(400_009);
    expect((await settled(second)).length).toBe(3);
    await second.close();
  });

  it('leaves out a line that was damaged in the middle: its row is called again', async () => {
    const first = await journal({ start: 'new' });
    for (const n of [1, 2, 3]) await first.settle(n, true, `{"n":${n}}`);
    await first.close();
    writeFileSync(path(), readFileSync(path(), 'utf8').replace('{"n":2}', '{"n":9}'));
    const resumed = await journal();
    expect([1, 2, 3].map((n) => resumed.index.state(n))).toEqual([rowState.answered, rowState.open, rowState.answered]);
    await resumed.close();
  });

  it('lets the newest result of a row count when failed rows are called again', async () => {
    const first = await journal({ start: 'new' });
    await first.settle(1, false, '{"n":1,"error":{"category":"timeout","message":"m"}}');
    await first.settle(2, true, '{"n":2}');
    await first.close();
    const second = await journal({ retryFailed: true });
    expect([second.index.failed, second.resumedRows]).toEqual([0, 1]);
    await second.settle(1, true, '{"n":1}');
    expect(await settled(second)).toEqual(['{"n":2}', '{"n":1}']);
    await second.close();
  });

  it('keeps only head and end of a run whose rows are all answered, and says on resume that nothing is left', async () => {
    const first = await journal({ start: 'new' });
    for (let n = 1; n <= 100; n += 1) await first.settle(n, true, `{"n":${n}}`);
    writeFileSync(out, 'results');
    await first.finish();
    await first.close();
    expect(statSync(path()).size).toBeLessThan(500);
    const resumed = await journal();
    expect(resumed.finished).toEqual({ rows: 100, answered: 100, failed: 0 });
    await resumed.close();
    rmSync(out);
    const again = await journal();
    expect([again.finished, again.index.settled]).toEqual([undefined, 0]);
    await again.close();
  });

  it('refuses to start over an earlier run, and to resume with another input or other options, in sentences', async () => {
    await (await journal({ start: 'new' })).close();
    await expect(journal({ start: 'new' })).rejects.toThrow(/Say --resume .* or --fresh/);
    const other: RunIdentity = {
      version: 1,
      input: { name: 'words.csv', bytes: 12, sha256: 'abd' },
      options: { url: 'http://host', body: '{}' },
    };
    await expect(journal({ identity: other })).rejects.toThrow(
      'the input words.csv has changed since (10 bytes then, 12 bytes now); --body was not given, now it is {}.',
    );
    const fresh = await journal({ identity: other, start: 'fresh' });
    await fresh.close();
  });

  it('refuses a file that it does not know, unless told to forget it', async () => {
    writeFileSync(out, 'mine');
    await expect(journal({ start: 'new' })).rejects.toThrow(/already a file/);
    await expect(journal({ start: 'resume' })).rejects.toThrow(/not its journal/);
  });
});

describe('a lock', () => {
  it('refuses the second of two runs while the first lives, and leaves nothing behind', async () => {
    const first = await journal({ start: 'new' });
    await expect(journal()).rejects.toThrow(`another run (process ${process.pid}) is writing to ${out}`);
    await first.close();
    const second = await journal();
    await second.close();
    expect(readdirSync(`${out}.breakwater`)).toEqual(['journal']);
  });

  it('of a dead process is taken over, by one only of many that try at once', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    for (let round = 0; round < 20; round += 1) {
      writeFileSync(join(folder, 'lock.3'), JSON.stringify({ pid: dead, startedAt: '1' }));
      const tries = await Promise.allSettled(Array.from({ length: 8 }, async () => await lockOutput(folder, out)));
      const won = tries.filter((attempt) => attempt.status === 'fulfilled');
      expect(won.length).toBe(1);
      await won[0]?.value.release();
      expect(readdirSync(folder).filter((name) => name.startsWith('lock'))).toEqual([]);
    }
  });

  it('of another process that has got the same pid since is taken over', async () => {
    writeFileSync(join(folder, 'lock.1'), JSON.stringify({ pid: process.pid, startedAt: 'long ago' }));
    const lock = await lockOutput(folder, out);
    await lock.release();
  });

  it('that was cut off while it was written is taken over', async () => {
    appendFileSync(join(folder, 'lock.1'), '');
    await (await lockOutput(folder, out)).release();
  });
});
