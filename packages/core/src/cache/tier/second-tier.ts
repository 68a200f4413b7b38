/**
 * The tier behind memory: what processes share, and what survives them.
 *
 * It makes things better and never worse: a load waits for it no longer than the soft deadline; what it holds is checked
 * before it is believed; a writing that it doesn't confirm is made good later; and while that is open, what it holds
 * under that key is not believed.
 *
 * Order is by versions of the store. A load that began under one version of its key is written only over that version; a
 * deletion leaves a new version behind. Setting and deleting are last-write-wins, in the order in which they reach the
 * store.
 */
import { timeoutQueueOf } from '../../clock/timeout-queue.ts';
import type { CacheEntry } from '../entry.ts';
import { tierKey } from '../key.ts';
import { PoisonError } from '../codec/envelope.ts';
import { type ReadValue, ValueCodec } from '../codec/value-codec.ts';
import { Bus, type BusListener, type BusNews } from './bus.ts';
import { within } from '../../gates/within.ts';
import { Generations } from './generations.ts';
import { StoreHealth, type StoreState } from '../../gates/store-health.ts';
import { TierLink } from './link.ts';
import { type ResolvedTierOptions, resolveTierOptions, type SecondTierOptions } from './options.ts';
import { ReadBatch } from './read-batch.ts';
import type { TierAnswer, TierOwner, TierValue } from './tier-answer.ts';
import type { TierRecord } from './tier-store.ts';
import { TierWriter } from './tier-writer.ts';
import { type Turn, Turns } from './turns.ts';

const NO_GENERATIONS: ReadonlyMap<string, string> = new Map();
const UNKNOWN: TierAnswer<never> = { found: undefined, version: undefined, generations: NO_GENERATIONS };

export class SecondTier<Value> {
  readonly options: ResolvedTierOptions;
  private readonly owner: TierOwner<Value>;
  private readonly health: StoreHealth;
  private readonly link: TierLink;
  private readonly reads: ReadBatch;
  private readonly codec: ValueCodec<Value>;
  private readonly generations: Generations;
  private readonly writer: TierWriter<Value>;
  private readonly turns: Turns<Value> | undefined;
  private readonly bus: Bus | undefined;
  private forgetKey: (text: string) => void = () => undefined;
  private forgetTags: (tags: readonly string[] | undefined) => void = () => undefined;

  constructor(owner: TierOwner<Value>, given: SecondTierOptions) {
    const options = resolveTierOptions(given);
    const { clock, random } = owner;
    const timeouts = timeoutQueueOf(clock);
    this.options = options;
    this.owner = owner;
    this.health = new StoreHealth(
      clock,
      { ping: () => this.link.ping(), stateChanged: (state, before) => this.healthChanged(state, before) },
      options.pingMs,
    );
    this.link = new TierLink(options.store.open(owner.namespace), options, timeouts, this.health, (operation, error) =>
      this.failed(operation, error),
    );
    this.codec = new ValueCodec({
      codec: options.codec,
      compression: options.compression,
      compressAboveBytes: options.compressAboveBytes,
      maxValueBytes: options.maxValueBytes,
      schemaVersion: options.schemaVersion,
      schema: options.decode as never,
    });
    this.bus =
      options.bus === undefined ? undefined : new Bus(options.bus, owner.namespace, clock, random, this.busListener());
    this.generations = new Generations(this.link, () => this.bus?.isConnected === true);
    this.reads = new ReadBatch(this.link, this.generations);
    const look = (text: string, tags: readonly string[]): Promise<TierAnswer<Value>> => this.find(text, 'soft', tags);
    this.turns = options.distributedFlight ? new Turns(this.link, clock, random, look) : undefined;
    this.writer = new TierWriter(owner, options, {
      link: this.link,
      codec: this.codec,
      generations: this.generations,
      announce: (news) => this.announce(news),
    });
  }

  /** Waits for this process's turn to load, where processes take turns; undefined where they don't. Never rejects. */
  turn(text: string, tags: readonly string[] = []): Promise<Turn<Value>> | undefined {
    return this.turns?.of(text, tags);
  }

  /** What to call when another process has changed a key or tags; undefined stands for everything. */
  listen(forgetKey: (text: string) => void, forgetTags: (tags: readonly string[] | undefined) => void): void {
    this.forgetKey = forgetKey;
    this.forgetTags = forgetTags;
  }

  /**
   * What the tier has of a key.
   *
   * @param patience `soft`: nothing is known after the soft deadline. `hard`: the hard deadline counts, and with
   *   `onFailure: 'throw'` a tier that gives no answer is an error.
   */
  find(text: string, patience: 'soft' | 'hard', tags: readonly string[] = []): Promise<TierAnswer<Value>> {
    const pending = this.writer.pendingAnswer(text);
    if (pending !== undefined) return Promise.resolve(pending);
    const mayThrow = patience === 'hard' && this.options.onFailure === 'throw';
    if (!this.link.isOpen) return mayThrow ? Promise.reject(this.link.unavailable()) : Promise.resolve(UNKNOWN);
    const answer = this.ask(text, tags);
    if (mayThrow) return answer;
    // What failed was told as an event; the caller goes on without.
    const lenient = answer.catch(() => UNKNOWN as TierAnswer<Value>);
    return patience === 'hard' ? lenient : this.link.patiently(lenient, () => UNKNOWN);
  }

  /** Writes what was loaded under `answer`; harmless when that is not known. Never rejects. */
  async commit(text: string, entry: CacheEntry<Value>, answer: TierAnswer<Value>): Promise<void> {
    if (answer.version !== undefined) await this.writer.commit(text, entry, answer.version, answer.generations);
  }

  /**
   * Resolves when the tier has the value, or has been given up for now; never rejects.
   *
   * @param base The version that the key was known to have; 0 when it wasn't known.
   */
  set(text: string, entry: CacheEntry<Value>, base: number): Promise<void> {
    return this.writer.write(text, entry, base);
  }

  /** Resolves when the tier has no value for the key, or has been given up for now; never rejects. */
  delete(text: string): Promise<void> {
    return this.writer.write(text, undefined, 0);
  }

  /** Resolves when nothing with these tags is valid any more, or the tier has been given up for now; never rejects. */
  invalidate(tags: readonly string[]): Promise<void> {
    return this.writer.renew(tags);
  }

  clear(): Promise<void> {
    return this.writer.renew(['']);
  }

  /** The keys that match a glob. Rejects when the tier gives no answer. */
  async *scan(glob: string): AsyncGenerator<string, undefined> {
    if (!this.link.isOpen) throw this.link.unavailable();
    const lane = timeoutQueueOf(this.owner.clock).lane(this.options.hardTimeoutMs);
    const portions = this.link.store.scan(glob)[Symbol.asyncIterator]();
    for (;;) {
      const next = await within(lane, Promise.resolve(portions.next()), () => {
        throw this.link.unavailable();
      });
      if (next.done === true) return undefined;
      yield* next.value;
    }
  }

  /** Writes what waits, for as long as it may, and lets go of everything. */
  async close(timeoutMs: number): Promise<void> {
    await this.writer.close(timeoutMs);
    this.health.close();
    this.bus?.close();
    await this.link.store.close?.();
  }

  private heard(news: BusNews): void {
    if (news.about === 'tags') {
      this.generations.forget(news.tags);
      this.forgetTags(news.tags.includes('') ? undefined : news.tags);
      this.owner.tell('cache-invalidated', undefined, { what: 'tags', tags: news.tags, remote: true });
    } else if (news.about === 'key') {
      this.turns?.wake(news.key);
      const entry = this.owner.memory.peek(news.key);
      if (entry !== undefined && entry.version === news.version) return;
      this.forgetKey(news.key);
      this.owner.tell('cache-invalidated', news.key, { what: 'key', tags: [], remote: true });
    }
  }

  private healthChanged(state: StoreState, before: StoreState): void {
    if (state === 'away' || before === 'away') {
      this.owner.tell('cache-tier-state', undefined, { state: state === 'away' ? 'unavailable' : 'available' });
    }
    if (state === 'up') void this.writer.replay();
  }

  private failed(operation: string, error: unknown): void {
    this.owner.counters.tierFailures++;
    this.owner.tell('cache-tier-failed', undefined, { operation, error });
  }

  private busListener(): BusListener {
    return {
      heard: (news) => this.heard(news),
      missed: () => {
        this.generations.forgetAll();
        this.forgetTags(undefined);
      },
      stateChanged: (state) => {
        this.generations.forgetAll();
        this.owner.tell('cache-bus', undefined, { state });
      },
      failed: (error) => this.failed('bus', error),
    };
  }

  private announce(news: BusNews): void {
    if (this.bus !== undefined) void this.bus.tell(news);
  }

  private async ask(text: string, tags: readonly string[]): Promise<TierAnswer<Value>> {
    const key = tierKey(text);
    const { record, generations } = await this.reads.read(key, ['', ...tags]);
    const version = record?.version ?? 0;
    if (record?.bytes === undefined) return { found: undefined, version, generations };
    const read = await this.open(key, record.bytes, text);
    // Poison is removed, so that nothing is there.
    if (read === undefined) return { found: undefined, version: 0, generations };
    const isValid = await this.isCurrent(read, generations);
    return { found: isValid ? valueOf(read, record) : undefined, version, generations };
  }

  private async open(key: string, bytes: Uint8Array, text: string): Promise<ReadValue<Value> | undefined> {
    try {
      return await this.codec.read(bytes, key);
    } catch (error) {
      this.owner.counters.poison++;
      const fault = error instanceof PoisonError ? error.fault : 'undecodable';
      this.owner.tell('cache-poison', text, { fault, error });
      // A failure is told by the link.
      await this.link.ask('discard', (store) => store.discard(key, bytes)).catch(() => undefined);
      return undefined;
    }
  }

  /** Whether none of its tags has been renewed since. */
  private async isCurrent({ envelope }: ReadValue<Value>, known: ReadonlyMap<string, string>): Promise<boolean> {
    const tags = envelope.generations.map(([tag]) => tag);
    if (this.writer.pending.concerns(tags)) return false;
    const unknown = tags.filter((tag) => !known.has(tag));
    const tokens = unknown.length === 0 ? [] : await this.generations.of(unknown);
    const all = new Map([...known, ...unknown.map((tag, at) => [tag, tokens[at]!] as const)]);
    return envelope.generations.every(([tag, generation]) => all.get(tag) === generation);
  }
}

function valueOf<Value>({ value, envelope }: ReadValue<Value>, record: TierRecord): TierValue<Value> {
  const { freshMs, graceMs, etag, generations } = envelope;
  // What the store has left is the only clock that both processes share.
  const leftMs = Math.min(record.remainingMs, freshMs + graceMs);
  return {
    value,
    freshMs: leftMs - graceMs,
    graceMs,
    ageMs: freshMs + graceMs === Infinity ? 0 : freshMs + graceMs - leftMs,
    tags: generations.map(([tag]) => tag).filter((tag) => tag !== ''),
    etag,
    version: record.version,
  };
}
