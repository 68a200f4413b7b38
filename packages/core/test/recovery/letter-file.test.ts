/** Dead letters in a real file: torn anywhere, written by a process that is killed, and run again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pipeline } from 'breakwater';
import { VirtualClock } from 'breakwater/testing';
import { deadLetters, letterFile, recovery, retrying, skipped, skipping } from 'breakwater/recovery';
import { errorTracker, parallelMap } from 'breakwater/work';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'breakwater-letters-'));
  path = join(folder, 'made', 'letters.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = <Item = string>() => deadLetters<Item>({ store: letterFile({ path }) });
const down = (): Error => Object.assign(new Error('down'), { status: 503 });

describe('a file of dead letters', () => {
  it('has a line of JSON for each, is its owner’s alone, and is read again', async () => {
    const letters = open();
    expect(await letters.size()).toBe(0);
    const added = [await letters.add('one', down()), await letters.add('two\nlines · ☃', down())];
    await letters.close();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(added);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await open().list()).toEqual(added);
  });

  it('survives a torn line, wherever it was torn: the letters before it and after it are there', async () => {
    const letters = open();
    await letters.add('kept', down());
    const whole = statSync(path).size;
    await letters.add('torn ☃', down());
    const bytes = readFileSync(path);
    const afterTear = async (length: number): Promise<string[]> => {
      writeFileSync(path, bytes);
      truncateSync(path, length);
      const again = open();
      await again.add('after', down());
      expect(await again.list()).toEqual(await open().list());
      return (await again.list()).map(({ item }) => item);
    };
    const lineBreak = bytes.length - 1;
    for (let length = whole; length < lineBreak; length += 7)
      expect(await afterTear(length)).toEqual(['kept', 'after']);
    expect(await afterTear(lineBreak - 1)).toEqual(['kept', 'after']);
    // What lacks its line break alone is whole.
    expect(await afterTear(lineBreak)).toEqual(['kept', 'torn ☃', 'after']);
  });

  it('keeps what is damaged when it is written anew, and nothing beside itself', async () => {
    const letters = open();
    await letters.add('kept', down());
    writeFileSync(path, '{"half a le\n', { flag: 'a' });
    const again = open();
    for (let item = 0; item < 120; item++) await again.remove((await again.add(String(item), down())).id);
    await again.close();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.length).toBeLessThan(150);
    expect(lines).toContain('{"half a le');
    expect(readdirSync(dirname(path))).toEqual([basename(path)]);
    expect(await open().list()).toMatchObject([{ item: 'kept' }]);
  });

  it('tells the error of a path that is none', async () => {
    const letters = deadLetters({ store: letterFile({ path: join(folder, '.') }) });
    await expect(letters.add('x', down())).rejects.toMatchObject({ code: 'EISDIR' });
  });

  it('has every letter that a process was told is safe, however it was killed', async () => {
    const program = fileURLToPath(new URL('./programs/letter-writer.ts', import.meta.url));
    const writer = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let safe = '';
    writer.stdout.setEncoding('utf8').on('data', (text: string) => (safe += text));
    while (safe.split('\n').length < 40) await once(writer.stdout, 'data');
    const exited = once(writer, 'exit');
    writer.kill('SIGKILL');
    await exited;
    const told = safe.split('\n').slice(0, -1);
    const items = new Set((await open().list(Infinity)).map(({ item }) => item));
    expect(told.length).toBeGreaterThan(30);
    expect(told.filter((item) => !items.has(item))).toEqual([]);
  }, 60_000);
});

describe('a batch with a pipeline, a recovery, an error tracker and dead letters', () => {
  it('does about each row what is said of its error, accounts for every row, and is run again later', async () => {
    const clock = new VirtualClock();
    const letters = open<number>();
    const tracker = errorTracker<number>({ clock });
    const outage = new Set([3, 4]);
    const send = async (row: number): Promise<string> => {
      if (row === 1) throw new SyntaxError('not JSON');
      if (outage.has(row)) throw down();
      return `sent ${row}`;
    };
    const calls = pipeline(
      { clock },
      recovery({ tracker, by: { external_service: retrying({ delayMs: 0 }), parsing: skipping() } }),
    );
    const handle = letters.wrap(
      (row: number) => calls.execute(() => send(row), { key: `row ${row}` }),
      (row) => `row ${row}`,
    );
    const results: unknown[] = [];
    for await (const result of parallelMap([0, 1, 2, 3, 4], (row) => handle(row), { concurrency: 2 }))
      results.push(result);
    expect(results).toEqual(['sent 0', skipped, 'sent 2', skipped, skipped]);
    expect(tracker.summary()).toMatchObject({
      ...{ total: 5, succeeded: 2, failed: 3 },
      byCategory: { external_service: 2, parsing: 1 },
    });
    expect(await letters.list()).toMatchObject([{ key: 'row 3' }, { key: 'row 4' }]);

    outage.delete(3);
    const report = await open<number>().rerun((row) => calls.execute(() => send(row)), { limit: 10 });
    expect(report).toMatchObject({ tried: 2, succeeded: 1, failed: 1, left: 1, byCategory: { external_service: 1 } });
  });
});
