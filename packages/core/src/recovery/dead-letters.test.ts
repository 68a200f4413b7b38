import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { redactor } from '../errors/index.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { deadLetters, type DeadLettersOptions, type LetterStore, skipped } from './index.ts';

/** A store whose lines can be seen, and that fails when it is told to. */
class SeenStore implements LetterStore {
  lines: string[] = [];
  fault: Error | undefined = undefined;
  /** How many lines there were when it was let go of. */
  readonly closedWith: number[] = [];
  readonly writings: number[] = [];
  replaced = 0;
  /** Appending waits for this. */
  gate: Promise<void> = Promise.resolve();

  async load(): Promise<readonly string[]> {
    if (this.fault !== undefined) throw this.fault;
    return [...this.lines];
  }

  async append(lines: readonly string[]): Promise<void> {
    await this.gate;
    if (this.fault !== undefined) throw this.fault;
    this.writings.push(lines.length);
    this.lines.push(...lines);
  }

  async replace(lines: readonly string[]): Promise<void> {
    this.replaced++;
    this.lines = [...lines];
  }

  async close(): Promise<void> {
    this.closedWith.push(this.lines.length);
  }
}

function setUp<Item = string>(options: DeadLettersOptions = {}) {
  const clock = new VirtualClock();
  const store = new SeenStore();
  const open = () => deadLetters<Item>({ clock, random: seededRandom(7), store, ...options });
  return { clock, store, letters: open(), reopen: open };
}

const down = (): Error => Object.assign(new Error('down'), { status: 503 });

describe('dead letters', () => {
  it('keep an item with its key, how often it was tried, when it failed, and its error without what is secret', async () => {
    const { letters } = setUp<{ row: number }>();
    const error = new Error('GET https://api.test/?token=hunter22 failed');
    const letter = await letters.add({ row: 7 }, error, {
      key: 'row 7',
      attempts: 3,
      context: { password: 'hunter22' },
    });
    expect(letter).toMatchObject({
      item: { row: 7 },
      key: 'row 7',
      attempts: 3,
      at: '2026-01-01T00:00:00.000Z',
      error: { category: 'internal', code: 'UNKNOWN', context: { password: '[redacted]' } },
    });
    expect(JSON.stringify(letter)).not.toContain('hunter22');
    expect(await letters.list()).toEqual([letter]);
    expect(await letters.size()).toBe(1);
  });

  it('are there again when the store is opened anew, in their order, without those that were taken out', async () => {
    const { letters, reopen } = setUp();
    const [first] = [await letters.add('a', down()), await letters.add('b', down()), await letters.add('c', down())];
    expect(await letters.remove(first.id)).toBe(true);
    expect(await letters.remove(first.id)).toBe(false);
    await letters.close();
    const again = reopen();
    expect((await again.list()).map(({ item }) => item)).toEqual(['b', 'c']);
    expect((await again.list(1)).map(({ item }) => item)).toEqual(['b']);
  });

  it('have ids of their own, also those of many at one moment and of another beginning', async () => {
    const { letters, reopen, store } = setUp({ random: undefined });
    const other = reopen();
    const all = await Promise.all([
      ...Array.from({ length: 50 }, (_, item) => letters.add(String(item), down())),
      ...Array.from({ length: 50 }, (_, item) => other.add(String(item), down())),
    ]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(100);
    // What comes while something is being written goes together into the next writing.
    expect(store.writings.length).toBeLessThan(10);
  });

  it('of one key, or of equal items, are letters of their own', async () => {
    const { letters } = setUp();
    await letters.add('same', down(), { key: 'row 1' });
    await letters.add('same', down(), { key: 'row 1' });
    expect(await letters.size()).toBe(2);
    expect(await letters.rerun(() => undefined)).toMatchObject({ tried: 2, left: 0 });
  });

  it('survive torn lines: the others are there, they are counted, and they stay in the store as they are', async () => {
    const { letters, reopen, store } = setUp();
    await letters.add('a', down());
    await letters.add('b', down());
    const torn = store.lines[1]!.slice(0, -20);
    store.lines.splice(1, 1, torn, 'null', '{"id":7}', '{"removed":"nobody"}');
    const again = reopen();
    expect((await again.list()).map(({ item }) => item)).toEqual(['a']);
    expect(await again.statistics()).toMatchObject({ letters: 1, damaged: 3 });
    const added = Array.from({ length: 150 }, (_, item) => again.add(String(item), down()));
    for (const letter of await Promise.all(added)) await again.remove(letter.id);
    expect(store.lines.length).toBeLessThan(150);
    expect(store.lines).toEqual(expect.arrayContaining([torn, 'null', '{"id":7}']));
    expect(await again.rerun(() => undefined)).toMatchObject({ tried: 1, succeeded: 1, left: 0 });
  });

  it('refuse a letter for which there is no room, by number or by size, and tell that it is lost', async () => {
    const { letters } = setUp({ maxLetters: 2 });
    const lost: unknown[] = [];
    letters.on('dead-letter-lost', ({ error }) => lost.push((error as { readonly code?: string }).code));
    await letters.add('a', down());
    await letters.add('b', down());
    expect(await rejection(letters.add('c', down()))).toMatchObject({
      code: 'DEAD_LETTERS_FULL',
      category: 'bulkhead',
    });
    const { letters: small } = setUp({ maxCharacters: 100 });
    expect(await rejection(small.add('a', down()))).toMatchObject({ code: 'DEAD_LETTERS_FULL' });
    expect(lost).toEqual(['DEAD_LETTERS_FULL']);
    expect(await letters.statistics()).toMatchObject({ letters: 2, added: 2, refused: 1, dropped: 0 });
  });

  it('let the oldest make room where they are told to, and tell of each', async () => {
    const { letters, reopen } = setUp({ maxLetters: 2, onFull: 'drop-oldest' });
    const lost: unknown[] = [];
    letters.on('dead-letter-lost', (event) => lost.push(event));
    for (const item of ['a', 'b', 'c', 'd']) await letters.add(item, down());
    expect((await letters.list()).map(({ item }) => item)).toEqual(['c', 'd']);
    expect((await reopen().list()).map(({ item }) => item)).toEqual(['c', 'd']);
    expect(lost).toHaveLength(2);
    const { letters: small } = setUp({ maxCharacters: 100, onFull: 'drop-oldest' });
    expect(await rejection(small.add('too long', down()))).toMatchObject({ code: 'DEAD_LETTERS_FULL' });
  });

  it('refuse an item that is no JSON, and keep one that is not there', async () => {
    const { letters, reopen } = setUp<unknown>();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    for (const item of [circle, 1n, () => 1])
      expect(await rejection(letters.add(item, down()))).toMatchObject({ code: 'DEAD_LETTER_ITEM' });
    await letters.add(undefined, down());
    expect(await reopen().list()).toMatchObject([{ attempts: 1 }]);
  });

  it('reject what the store does not take, and take the next one', async () => {
    const { letters, store } = setUp();
    store.fault = new Error('disk full');
    expect(await rejection(letters.add('a', down()))).toBe(store.fault);
    store.fault = undefined;
    await letters.add('b', down());
    store.fault = new Error('disk full');
    expect(await rejection(letters.add('c', down()))).toBe(store.fault);
    store.fault = undefined;
    expect((await letters.list()).map(({ item }) => item)).toEqual(['b']);
  });

  it('are read again when the store could not be read', async () => {
    const { letters, store, reopen } = setUp();
    const added = await letters.add('a', down());
    const again = reopen();
    store.fault = new Error('disk away');
    expect(await rejection(again.size())).toBe(store.fault);
    store.fault = undefined;
    expect(await again.list()).toEqual([added]);
  });

  it('are not run again before they are safe, nor dropped to make room', async () => {
    const { letters, store } = setUp({ maxLetters: 1, onFull: 'drop-oldest' });
    const gate = deferred<void>();
    store.gate = gate.promise;
    const writing = letters.add('a', down());
    await microtasks();
    expect(await letters.rerun(() => undefined)).toMatchObject({ tried: 0, left: 1 });
    expect(await rejection(letters.add('b', down()))).toMatchObject({ code: 'DEAD_LETTERS_FULL' });
    gate.resolve();
    await writing;
    expect(await letters.rerun(() => undefined)).toMatchObject({ tried: 1, left: 0 });
  });

  it('tell of each that is written down, and how much room they take', async () => {
    const { letters, store } = setUp();
    const told: unknown[] = [];
    letters.on('dead-letter', (event) => told.push(event));
    const error = down();
    const { id } = await letters.add('a', error);
    await letters.add('b', down());
    expect(told).toMatchObject([{ type: 'dead-letter', policy: 'dead-letters', id, error, outcome: 'failure' }, {}]);
    const [first, second] = store.lines.map(({ length }) => length) as [number, number];
    expect((await letters.statistics()).characters).toBe(first + second);
    await letters.remove(id);
    expect((await letters.statistics()).characters).toBe(second);
  });

  it('make as much room as a letter needs, and leave damaged lines alone', async () => {
    const { letters, reopen, store } = setUp();
    await letters.add('a'.repeat(100), down());
    await letters.add('b'.repeat(100), down());
    const most = store.lines.join('').length;
    const torn = '{"torn';
    store.lines.unshift(torn);
    const again = deadLetters({ store, onFull: 'drop-oldest', maxCharacters: most + torn.length });
    await again.add('c'.repeat(90), down());
    expect((await again.list()).map(({ item }) => String(item)[0])).toEqual(['b', 'c']);
    await again.add('d', down());
    expect(await again.statistics()).toMatchObject({ dropped: 2, damaged: 1, letters: 2 });
    expect(store.lines).toContain(torn);
    expect((await reopen().list()).map(({ item }) => item[0])).toEqual(['c', 'd']);
  });

  it('are compacted when most lines say nothing any more, and bear it when that fails', async () => {
    const { letters, store, reopen } = setUp();
    const kept = await letters.add('kept', down());
    const failed: unknown[] = [];
    letters.on('hook-failed' as never, ({ hook }: { readonly hook: string }) => failed.push(hook));
    const replace = store.replace.bind(store);
    store.replace = () => Promise.reject(new Error('disk full'));
    for (let item = 0; item < 60; item++) await letters.remove((await letters.add(String(item), down())).id);
    await microtasks();
    // A hundred lines that say nothing any more, of 101, are enough; more than one attempt is made.
    expect([failed.length, failed[0]]).toEqual([expect.any(Number), 'store.replace']);
    expect(failed.length).toBeGreaterThan(1);
    expect(failed.length).toBeLessThan(25);
    expect([store.lines.length, store.replaced]).toEqual([121, 0]);
    store.replace = replace;
    await letters.remove((await letters.add('one more', down())).id);
    await microtasks();
    expect([store.lines.length, store.replaced]).toEqual([3, 1]);
    expect(await reopen().list()).toEqual([kept]);
  });

  it('are in memory only where no store is given', async () => {
    const letters = deadLetters<number>();
    await letters.add(1, down());
    expect(await letters.size()).toBe(1);
    await letters.close();
  });

  it('take nothing more when they are closed, and let go of the store when all is written', async () => {
    const { letters, store } = setUp();
    const gate = deferred<void>();
    store.gate = gate.promise;
    const writing = letters.add('a', down());
    const closed = watched(letters.close());
    await microtasks();
    expect(closed.state).toBe('pending');
    gate.resolve();
    await writing;
    await microtasks();
    expect([closed.state, store.closedWith]).toEqual(['fulfilled', [1]]);
    expect(await rejection(letters.add('b', down()))).toMatchObject({ code: 'DEAD_LETTERS_CLOSED' });
    expect(await rejection(letters.rerun(() => undefined))).toMatchObject({ code: 'DEAD_LETTERS_CLOSED' });
  });

  it('take out of errors what else is secret, and refuse options that can not be meant', async () => {
    const { letters } = setUp({ redactor: redactor({ patterns: [/INV-\d+/] }) });
    expect((await letters.add('a', new Error('INV-17 is open'))).error.message).toBe('[redacted] is open');
    expect(() => deadLetters({ maxLetters: 0 })).toThrow(/deadLetters.maxLetters/);
    expect(() => deadLetters({ store: {} as never })).toThrow(/a store of letters/);
    expect(await rejection(letters.rerun(() => undefined, { limit: 0 }))).toMatchObject({ code: 'CONFIGURATION' });
  });
});

describe('a function around which dead letters stand', () => {
  it('gives its result, or writes the item down and gives `skipped`', async () => {
    const { letters } = setUp();
    const handle = letters.wrap(
      async (item, suffix: string) => {
        if (item === 'bad') throw down();
        return item + suffix;
      },
      (item) => `key of ${item}`,
    );
    expect(await handle('good', '!')).toBe('good!');
    expect(await handle('bad', '!')).toBe(skipped);
    expect(await letters.list()).toMatchObject([{ item: 'bad', key: 'key of bad' }]);
  });

  it('fails with its own error where the item can not be written down', async () => {
    const { letters, store } = setUp();
    const lost: unknown[] = [];
    letters.on('dead-letter-lost', ({ error }) => lost.push(error));
    store.fault = new Error('disk full');
    const error = down();
    const handle = letters.wrap(() => Promise.reject(error));
    expect(await rejection(handle('a'))).toBe(error);
    expect(lost).toEqual([store.fault]);
  });

  it('does not take an item for dead that nobody wants any more', async () => {
    const { letters } = setUp();
    const handle = letters.wrap(() => Promise.reject(new DOMException('left', 'AbortError')));
    expect(await rejection(handle('a'))).toMatchObject({ name: 'AbortError' });
    expect(await letters.size()).toBe(0);
  });
});

describe('a rerun of dead letters', () => {
  it('tries the oldest first, takes out what goes well, puts what fails again last, and reports', async () => {
    const { letters, reopen, clock } = setUp();
    for (const item of ['a', 'b', 'c', 'd']) await letters.add(item, new SyntaxError('?'), { key: `key ${item}` });
    await clock.advance(1_000);
    const ended: unknown[] = [];
    letters.on('dead-letters-rerun', (event) => ended.push(event));
    const tried: string[] = [];
    const report = await letters.rerun(
      (item, { letter }) => {
        tried.push(`${item}${letter.attempts}`);
        if (item !== 'b') throw down();
      },
      { limit: 3 },
    );
    expect(tried).toEqual(['a1', 'b1', 'c1']);
    expect(report).toMatchObject({
      ...{ tried: 3, succeeded: 1, failed: 2, left: 3, exhausted: 0, byCategory: { external_service: 2 } },
      failures: [
        { item: 'a', key: 'key a', attempts: 2, at: '2026-01-01T00:00:01.000Z', error: { code: 'API_503' } },
        { item: 'c', attempts: 2 },
      ],
    });
    expect(ended).toMatchObject([{ tried: 3, succeeded: 1, failed: 2, left: 3, durationMs: 0 }]);
    for (const open of [letters, reopen()])
      expect((await open.list()).map(({ item, attempts }) => `${item}${attempts}`)).toEqual(['d1', 'a2', 'c2']);
  });

  it('keeps a hundred failures for its report, and counts all', async () => {
    const { letters } = setUp<number>();
    await Promise.all(Array.from({ length: 103 }, (_, item) => letters.add(item, down())));
    const report = await letters.rerun(() => Promise.reject(new SyntaxError('?')), { limit: Infinity, concurrency: 8 });
    expect([report.failed, report.failures.length, report.byCategory]).toEqual([103, 100, { parsing: 103 }]);
  });

  it('leaves alone what was tried as often as it may be, and says how much that is', async () => {
    const { letters } = setUp();
    await letters.add('a', down(), { attempts: 3 });
    await letters.add('b', down());
    const report = await letters.rerun(() => Promise.reject(down()), { maxAttempts: 2 });
    expect(report).toMatchObject({ tried: 1, failed: 1, left: 2, exhausted: 2 });
    expect(await letters.rerun(() => undefined, { maxAttempts: 2 })).toMatchObject({ tried: 0, left: 2 });
  });

  it('tries several at once, never more than it may, and none that another rerun has', async () => {
    const { letters } = setUp<number>();
    for (let item = 0; item < 10; item++) await letters.add(item, down());
    const tried: number[] = [];
    const gates = Array.from({ length: 10 }, () => deferred<void>());
    const handle = (item: number): Promise<void> => (tried.push(item), gates[item]!.promise);
    const first = watched(letters.rerun(handle, { limit: 6, concurrency: 2 }));
    await microtasks();
    expect(tried).toEqual([0, 1]);
    const second = watched(letters.rerun(handle, { limit: Infinity, concurrency: 9 }));
    await microtasks();
    expect(tried).toEqual([0, 1, 6, 7, 8, 9]);
    for (const gate of gates) gate.resolve();
    await microtasks();
    await microtasks();
    expect([first.value?.succeeded, second.value?.succeeded]).toEqual([6, 4]);
    expect(tried.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('begins no further letter when it is aborted or the letters are closed, and awaits what runs', async () => {
    const { letters } = setUp();
    for (const item of ['a', 'b', 'c']) await letters.add(item, down());
    const controller = new AbortController();
    const gate = deferred<void>();
    const rerun = watched(letters.rerun(() => gate.promise, { signal: controller.signal }));
    await microtasks();
    controller.abort();
    await microtasks();
    expect(rerun.state).toBe('pending');
    gate.resolve();
    await microtasks();
    expect(rerun.value).toMatchObject({ tried: 1, succeeded: 1, left: 2 });
    const last = deferred<void>();
    const other = watched(letters.rerun(() => last.promise));
    await microtasks();
    const closed = watched(letters.close());
    last.resolve();
    await microtasks();
    expect([other.value?.tried, closed.state]).toEqual([1, 'fulfilled']);
  });

  it('ends with the error of the store when what went well can not be taken out, and tries nothing more', async () => {
    const { letters, store } = setUp();
    for (const item of ['a', 'b']) await letters.add(item, down());
    const tried: string[] = [];
    const fault = new Error('disk full');
    const rerun = letters.rerun((item) => {
      tried.push(item);
      store.fault = fault;
    });
    expect(await rejection(rerun)).toBe(fault);
    expect(tried).toEqual(['a']);
    store.fault = undefined;
    expect(await letters.rerun(() => undefined)).toMatchObject({ tried: 1, left: 0 });
  });

  it('does not bring back a letter that somebody has taken out meanwhile', async () => {
    const { letters } = setUp();
    const { id } = await letters.add('a', down());
    const report = await letters.rerun(async () => {
      await letters.remove(id);
      throw down();
    });
    expect([report.failed, report.failures, report.left]).toEqual([1, [], 0]);
  });
});
