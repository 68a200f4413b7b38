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
import type { CacheEntry } from '../cache-entry.ts';
import { ValueCodec } from '../codec/value-codec.ts';
import { Bus, type BusListener, type BusNews } from './bus.ts';
import { within } from '../../gates/within.ts';
import { Generations } from './generations.ts';
import { StoreHealth, type StoreState } from '../../gates/store-health.ts';
import { TierLink } from './link.ts';
import { type ResolvedTierOptions, resolveTierOptions, type SecondTierOptions } from './options.ts';
import type { TierAnswer, TierOwner } from './tier-answer.ts';
import type { TierAsker } from './tier-question.ts';
import { type TierPatience, TierReader } from './tier-reader.ts';
import { TierWriter } from './tier-writer.ts';
import { type Turn, Turns } from './turns.ts';

export class SecondTier<Value> {
  readonly options: ResolvedTierOptions;
  private readonly owner: TierOwner<Value>;
  private readonly health: StoreHealth;
  private readonly link: TierLink;
  private readonly reader: TierReader<Value>;
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
    const codec = new ValueCodec<Value>({
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
    const { link, generations } = this;
    this.writer = new TierWriter(owner, options, {
      link,
      codec,
      generations,
      announce: (news) => this.announce(news),
    });
    const { writer } = this;
    this.reader = new TierReader(owner, options, timeouts, { link, codec, generations, writer });
    const look = (text: string, tags: readonly string[]): Promise<TierAnswer<Value>> => this.find(text, 'soft', tags);
    this.turns = options.distributedFlight ? new Turns(link, clock, random, look) : undefined;
  }

  /** Waits for this process's turn to load, where processes take turns; undefined where they don't. Never rejects. */
  turn(text: string, tags: readonly string[] | undefined): Promise<Turn<Value>> | undefined {
    return this.turns?.of(text, tags ?? []);
  }

  /** What to call when another process has changed a key or tags; undefined stands for everything. */
  listen(forgetKey: (text: string) => void, forgetTags: (tags: readonly string[] | undefined) => void): void {
    this.forgetKey = forgetKey;
    this.forgetTags = forgetTags;
  }

  /** Asks for a key, and for the generations of the tags that its loaded value would have. */
  ask(text: string, patience: TierPatience, tags: readonly string[] | undefined, asker: TierAsker<Value>): void {
    this.reader.ask(text, patience, tags, asker);
  }

  /** The same for who would rather have a promise. */
  find(text: string, patience: TierPatience, tags?: readonly string[]): Promise<TierAnswer<Value>> {
    return new Promise((resolve, reject) => {
      this.reader.ask(text, patience, tags, { tierAnswered: resolve, tierFailed: reject });
    });
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
}
