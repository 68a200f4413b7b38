/** Everything that is written to the second tier: what was loaded, what was set and deleted, tags, and what has to be made good. */
import { type CacheEntry, graceOfEntry } from '../cache-entry.ts';
import { tierKey } from '../cache-key.ts';
import type { ValueCodec } from '../codec/value-codec.ts';
import type { Timer } from '../../clock/clock.ts';
import type { BusNews } from './bus.ts';
import type { Generations } from './generations.ts';
import type { TierLink } from './link.ts';
import type { ResolvedTierOptions } from './options.ts';
import { type PendingWrite, PendingWrites } from './pending-writes.ts';
import { NOTHING_KNOWN, type TierAnswer, type TierOwner } from './tier-answer.ts';

/** A deletion stays known for so long: longer than any load may take that began before it. */
const DELETION_MS = 60_000;
/** How many writings are made good, or written behind, at once. */
const AT_ONCE = 32;

/** What a writer works with. */
export interface TierTools<Value> {
  readonly link: TierLink;
  readonly codec: ValueCodec<Value>;
  readonly generations: Generations;
  announce(news: BusNews): void;
}

/** What a codec or a compression threw, or a value was too large. */
class NotEncoded extends Error {}

export class TierWriter<Value> {
  readonly pending: PendingWrites<Value>;
  private readonly owner: TierOwner<Value>;
  private readonly options: ResolvedTierOptions;
  private readonly tools: TierTools<Value>;
  private timer: Timer | undefined = undefined;
  private replaying: Promise<void> | undefined = undefined;

  constructor(owner: TierOwner<Value>, options: ResolvedTierOptions, tools: TierTools<Value>) {
    this.owner = owner;
    this.options = options;
    this.tools = tools;
    this.pending = new PendingWrites(options.maxPendingWrites);
  }

  /** What is known of a key that waits to be written; undefined when it doesn't. */
  pendingAnswer(text: string): TierAnswer<Value> | undefined {
    const write = this.pending.of(text);
    if (write === undefined) return undefined;
    const { entry } = write;
    const now = this.owner.memory.now();
    if (entry === undefined || now >= entry.goneAt) return NOTHING_KNOWN;
    const { value, freshUntil, createdAt, tags, etag } = entry;
    const times = { freshMs: freshUntil - now, graceMs: graceOfEntry(entry), ageMs: now - createdAt };
    return { ...NOTHING_KNOWN, found: { value, ...times, tags, etag, version: 0 } };
  }

  /** Writes what was loaded under `version`; gives it up when another has written since. Never rejects. */
  async commit(
    text: string,
    entry: CacheEntry<Value>,
    version: number,
    generations: ReadonlyMap<string, string>,
  ): Promise<void> {
    try {
      const written = await this.store(text, entry, version, generations);
      if (written > 0) this.written(text, entry, written);
      // Somebody set or deleted the key while this was loaded: it may be older than that.
      else if (this.owner.memory.peek(text) === entry) this.owner.memory.delete(text);
    } catch (error) {
      this.unwritable(text, error);
    }
  }

  /** Writes a value, or with undefined deletes. Never rejects. */
  async write(text: string, entry: CacheEntry<Value> | undefined, base: number): Promise<void> {
    const write: PendingWrite<Value> = { text, entry, base: this.pending.of(text)?.base ?? base, tried: false };
    const lost = this.pending.add(write);
    if (lost > 0) this.lost(lost, 'queue-full');
    if (this.options.write === 'through' && this.tools.link.isOpen && lost === 0) await this.attempt(write);
    else this.schedule();
  }

  /** Gives tags new generations. Never rejects. */
  async renew(tags: readonly string[]): Promise<void> {
    for (const tag of tags) this.pending.tags.add(tag);
    this.tools.generations.forget(tags);
    if (!this.tools.link.isOpen) return;
    try {
      await this.tools.link.ask('renew', (store) => store.renew(tags));
      this.renewed(tags);
    } catch {
      // Told by the link; they stay pending until the store is back.
    }
  }

  /** Makes good what has failed. Never rejects. */
  async replay(): Promise<void> {
    this.replaying ??= this.replayAll().finally(() => (this.replaying = undefined));
    await this.replaying;
  }

  /** Writes what waits for as long as it may; what is left is lost, and told. */
  async close(timeoutMs: number): Promise<void> {
    this.timer?.cancel();
    if (!this.pending.isEmpty && this.tools.link.isOpen && timeoutMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.owner.clock.setTimer(timeoutMs, resolve);
        void this.replay().then(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    if (this.pending.size > 0) this.lost(this.pending.size, 'closed');
    this.pending.clear();
  }

  private schedule(): void {
    if (this.timer !== undefined || this.replaying !== undefined) return;
    this.timer = this.owner.clock.setTimer(
      this.options.writeDelayMs,
      () => {
        this.timer = undefined;
        if (this.tools.link.isOpen) void this.replay();
        // A store that is away asks for it itself, when it is back.
        else if (!this.tools.link.isAway) this.schedule();
      },
      true,
    );
  }

  private async replayAll(): Promise<void> {
    if (this.pending.tags.size > 0) await this.renew([...this.pending.tags]);
    if (this.pending.tags.size > 0) return;
    while (this.pending.size > 0 && this.tools.link.isOpen) {
      const before = this.pending.size;
      const portion = this.pending.all().slice(0, AT_ONCE);
      await Promise.all(portion.map((write) => this.attempt(write)));
      // Nothing got through: the store is away again.
      if (this.pending.size >= before) return;
    }
  }

  private async attempt(write: PendingWrite<Value>): Promise<void> {
    const { text, entry } = write;
    try {
      if (entry === undefined || this.owner.memory.now() >= entry.goneAt) await this.remove(text);
      else {
        // Who comes late overwrites nothing that it doesn't know.
        const version = await this.store(text, entry, write.tried ? write.base : undefined, new Map());
        if (version === 0) await this.remove(text);
        else if (this.pending.isLast(write)) this.written(text, entry, version);
      }
      if (write.tried) this.owner.counters.recovered++;
      this.pending.done(write);
    } catch (error) {
      write.tried = true;
      this.unwritable(text, error, write);
    }
  }

  private async remove(text: string): Promise<void> {
    const version = await this.tools.link.ask('remove', (store) => store.remove(tierKey(text), DELETION_MS));
    this.tools.announce({ about: 'key', key: text, version });
  }

  /** A value that can't be encoded will never be written; what the store refused was told by the link. */
  private unwritable(text: string, error: unknown, write?: PendingWrite<Value>): void {
    if (!(error instanceof NotEncoded)) return;
    this.owner.counters.tierFailures++;
    this.owner.tell('cache-tier-failed', text, { operation: 'encode', error: error.cause });
    if (write === undefined || !this.pending.isLast(write)) return;
    // The store must not go on holding the value before.
    void this.write(text, undefined, 0);
  }

  private async store(
    text: string,
    entry: CacheEntry<Value>,
    expected: number | undefined,
    known: ReadonlyMap<string, string>,
  ): Promise<number> {
    const key = tierKey(text);
    const tags = ['', ...entry.tags];
    const unknown = tags.filter((tag) => !known.has(tag));
    const tokens = unknown.length === 0 ? [] : await this.tools.generations.of(unknown);
    const generations = tags.map((tag) => [tag, known.get(tag) ?? tokens[unknown.indexOf(tag)]!] as const);
    const now = this.owner.memory.now();
    const lifeMs = entry.goneAt - now;
    const bytes = await this.encoded(entry.value, {
      key,
      createdAt: this.owner.clock.wallTime(),
      freshMs: entry.freshUntil - now,
      graceMs: graceOfEntry(entry),
      etag: entry.etag,
      generations,
    });
    if (!(lifeMs > 0)) return 0;
    return this.tools.link.ask('write', (store) => store.write(key, bytes, lifeMs, expected));
  }

  private async encoded(value: Value, facts: Parameters<ValueCodec<Value>['write']>[1]): Promise<Uint8Array> {
    try {
      return await this.tools.codec.write(value, facts);
    } catch (error) {
      throw new NotEncoded('a value could not be encoded', { cause: error });
    }
  }

  private written(text: string, entry: CacheEntry<Value>, version: number): void {
    entry.version = version;
    this.tools.announce({ about: 'key', key: text, version });
  }

  private renewed(tags: readonly string[]): void {
    for (const tag of tags) this.pending.tags.delete(tag);
    this.tools.generations.forget(tags);
    this.tools.announce({ about: 'tags', tags });
  }

  private lost(writes: number, reason: 'queue-full' | 'closed'): void {
    this.owner.counters.lost += writes;
    this.owner.tell('cache-lost', undefined, { writes, reason });
  }
}
