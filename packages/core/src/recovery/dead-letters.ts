import type { Clock } from '../clock/clock.ts';
import { systemRandom } from '../clock/random.ts';
import { systemClock } from '../clock/system-clock.ts';
import { builtInCatalog, type ErrorCatalog } from '../errors/catalog.ts';
import { errorLogEntry, type ErrorOutputOptions } from '../errors/error-output.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { DeadLetterItemError, DeadLettersClosedError, DeadLettersFullError } from './errors.ts';
import {
  type DeadLetter,
  type DeadLetters,
  deadLettersDefaults,
  type DeadLettersEvents,
  type DeadLettersOptions,
  deadLettersRules,
  type DeadLettersStatistics,
  type LetterFacts,
  type LetterStore,
  type RerunContext,
  rerunDefaults,
  type RerunOptions,
  type RerunReport,
  rerunRules,
} from './letter.ts';
import { type Entry, LetterBox } from './letter-box.ts';
import { LetterJournal } from './letter-journal.ts';
import { letterLine, readLine, removalLine } from './letter-line.ts';
import { Rerun } from './rerun.ts';
import { type Skipped, skipped } from './strategies.ts';

/**
 * Keeps items that failed for good, with what is known of that: bounded, in memory or in a file, to be tried again.
 *
 * @throws ConfigurationError
 */
export function deadLetters<Item = unknown>(options: DeadLettersOptions = {}): DeadLetters<Item> {
  return new KeptLetters(options);
}

class KeptLetters<Item> implements DeadLetters<Item> {
  readonly name: string;
  private readonly options: Resolved<DeadLettersOptions, typeof deadLettersDefaults>;
  private readonly clock: Clock;
  private readonly catalog: ErrorCatalog;
  private readonly channel: OwnerChannel<DeadLettersEvents>;
  private readonly box: LetterBox = new LetterBox();
  private readonly journal: LetterJournal;
  /** What has begun and is to end before the store is let go of. */
  private readonly underWay: Set<Promise<unknown>> = new Set();
  private readonly counts = { added: 0, dropped: 0, refused: 0 };
  private opening: Promise<void> | undefined = undefined;
  private closed = false;
  private idPrefix = '';
  private lastId = 0;

  constructor(given: DeadLettersOptions) {
    this.options = resolveOptions('deadLetters', given, deadLettersDefaults, deadLettersRules);
    this.name = this.options.name;
    this.clock = this.options.clock ?? systemClock;
    this.channel = new OwnerChannel(this.name, () => this.clock);
    this.catalog = this.options.catalog ?? builtInCatalog;
    this.journal = new LetterJournal(
      this.options.store ?? nowhere,
      () => this.box.lines,
      (error) => this.channel.tell('hook-failed', { hook: 'store.replace', error, outcome: 'failure' }),
    );
  }

  on(type: '*' | keyof DeadLettersEvents, listener: (event: never) => void): () => void {
    return this.channel.on(type as never, listener);
  }

  async size(): Promise<number> {
    await this.open();
    return this.box.letters;
  }

  async statistics(): Promise<DeadLettersStatistics> {
    await this.open();
    const { letters, characters, damaged } = this.box;
    return { letters, characters, ...this.counts, damaged };
  }

  async list(limit = 100): Promise<readonly DeadLetter<Item>[]> {
    await this.open();
    const lines = this.box.lines.values();
    const letters: DeadLetter<Item>[] = [];
    for (const line of lines) {
      if (letters.length >= limit) break;
      const content = readLine(line);
      if (content.is === 'letter') letters.push(content.letter as DeadLetter<Item>);
    }
    return letters;
  }

  async add(item: Item, error: unknown, facts: LetterFacts = {}): Promise<DeadLetter<Item>> {
    try {
      return await this.begin(() => this.keep(item, error, facts));
    } catch (reason) {
      this.counts.refused++;
      this.channel.tell('dead-letter-lost', { error: reason, outcome: 'failure' });
      throw reason;
    }
  }

  wrap<Rest extends readonly unknown[], R>(
    fn: (item: Item, ...rest: Rest) => R,
    keyOf?: (item: Item) => string,
  ): (item: Item, ...rest: Rest) => Promise<Awaited<R> | Skipped> {
    return async (item, ...rest): Promise<Awaited<R> | Skipped> => {
      try {
        return await fn(item, ...rest);
      } catch (error) {
        // Nobody wants the item any more, which says nothing about it.
        if (this.catalog.classify(error).code === 'ABORTED') throw error;
        try {
          await this.add(item, error, keyOf === undefined ? {} : { key: keyOf(item) });
        } catch {
          // Told in an event; what the item failed with tells its caller more.
          throw error;
        }
        return skipped;
      }
    };
  }

  async rerun(handle: (item: Item, context: RerunContext) => unknown, given: RerunOptions = {}): Promise<RerunReport> {
    const options = resolveOptions('deadLetters.rerun', given, rerunDefaults, rerunRules);
    return this.begin(() => this.tryAgain(handle as (item: unknown, context: RerunContext) => unknown, options));
  }

  remove(id: string): Promise<boolean> {
    return this.begin(async () => {
      if (!this.box.has(id)) return false;
      await this.takeOut(id);
      return true;
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    while (this.underWay.size > 0) await Promise.allSettled(this.underWay);
    await this.journal.close();
  }

  // --- letters ---

  /** Does something with the letters once they are there; `close` waits for it. */
  private async begin<T>(work: () => Promise<T>): Promise<T> {
    if (this.closed) throw new DeadLettersClosedError(this.name);
    const running = this.open().then(work);
    this.underWay.add(running);
    try {
      return await running;
    } finally {
      this.underWay.delete(running);
    }
  }

  private async tryAgain(
    handle: (item: unknown, context: RerunContext) => unknown,
    options: Resolved<RerunOptions, typeof rerunDefaults>,
  ): Promise<RerunReport> {
    const startedAt = this.clock.now();
    const rerun = new Rerun(this.box.pick(options.limit, options.maxAttempts), options, {
      handle,
      wentWell: (entry) => this.takeOut(entry.id),
      failed: (entry, letter, error) => this.failedAgain(entry, letter, error),
      isClosed: () => this.closed,
    });
    const tried = await rerun.run();
    const report = { ...tried, left: this.box.letters, exhausted: this.box.exhausted(options.maxAttempts) };
    const { succeeded, failed, left } = report;
    const durationMs = this.clock.now() - startedAt;
    this.channel.tell('dead-letters-rerun', { tried: report.tried, succeeded, failed, left, durationMs });
    return report;
  }

  /** Reads the store, once; again when that has failed. */
  private open(): Promise<void> {
    this.opening ??= this.load().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  private async load(): Promise<void> {
    const lines = await this.journal.load();
    for (const line of lines) this.box.load(line);
    // Unlike those of other processes, and of this one when it began before.
    const random = this.options.random ?? systemRandom;
    this.idPrefix = `${this.clock.wallTime().toString(36)}-${Math.floor(random.next() * 2 ** 48).toString(36)}`;
  }

  private async keep(
    item: Item,
    error: unknown,
    { key, attempts = 1, context }: LetterFacts,
  ): Promise<DeadLetter<Item>> {
    const id = this.newId();
    const letter = this.letterOf({ id, item, ...(key === undefined ? {} : { key }), attempts }, error, context);
    const line = this.lineOf(letter);
    const dropped = this.makeRoom(line.length);
    const entry = this.box.put(id, line, attempts);
    entry.busy = true;
    try {
      await this.journal.write([...dropped.map(removalLine), line]);
    } catch (reason) {
      this.box.remove(id);
      throw reason;
    }
    entry.busy = false;
    this.counts.added++;
    this.channel.tell('dead-letter', { id, error, outcome: 'failure' });
    return (readLine(line) as { readonly letter: DeadLetter<Item> }).letter;
  }

  private newId(): string {
    let id: string;
    do id = `${this.idPrefix}-${(++this.lastId).toString(36)}`;
    while (this.box.has(id));
    return id;
  }

  private letterOf<Of extends Omit<DeadLetter, 'error' | 'at'>>(of: Of, error: unknown, context: unknown): DeadLetter {
    const { catalog, redactor } = this.options;
    const output: ErrorOutputOptions = { catalog, redactor };
    const at = new Date(this.clock.wallTime()).toISOString();
    return { ...of, error: errorLogEntry(error, context, output), at };
  }

  private lineOf(letter: DeadLetter): string {
    try {
      return letterLine(letter);
    } catch (cause) {
      throw new DeadLetterItemError(this.name, cause);
    }
  }

  /** Sees to it that a line of this length fits; gives the ids of those that made room. Nobody goes in vain. */
  private makeRoom(length: number): string[] {
    const { maxLetters, maxCharacters, onFull } = this.options;
    let { letters, characters } = this.box;
    const fits = (): boolean => letters < maxLetters && characters + length <= maxCharacters;
    const leaving: Entry[] = [];
    for (const entry of onFull === 'drop-oldest' ? this.box.free() : []) {
      if (fits()) break;
      leaving.push(entry);
      letters--;
      characters -= entry.line.length;
    }
    const full = (): Error => new DeadLettersFullError(this.name, this.box.letters, this.box.characters);
    if (!fits()) throw full();
    for (const { id } of leaving) {
      this.channel.tell('dead-letter-lost', { error: full(), outcome: 'failure' });
      this.box.remove(id);
      this.counts.dropped++;
    }
    return leaving.map(({ id }) => id);
  }

  private takeOut(id: string): Promise<void> {
    this.box.remove(id);
    return this.journal.write([removalLine(id)]);
  }

  private async failedAgain(entry: Entry, letter: DeadLetter, error: unknown): Promise<DeadLetter | undefined> {
    // Somebody may have taken it out meanwhile.
    if (!this.box.has(entry.id)) return undefined;
    const { id, item, key } = letter;
    const facts = { id, item, ...(key === undefined ? {} : { key }), attempts: letter.attempts + 1 };
    const again = this.letterOf(facts, error, letter.error.context);
    const line = letterLine(again);
    this.box.put(id, line, again.attempts);
    await this.journal.write([line]);
    return again;
  }
}

/** The store of letters that are in memory only. */
const nowhere: LetterStore = Object.freeze({
  load: async () => [],
  append: async () => undefined,
  replace: async () => undefined,
  close: async () => undefined,
});
