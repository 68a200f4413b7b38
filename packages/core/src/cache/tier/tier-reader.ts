/** What the second tier has of a key: asked for together with others, checked, and told to whoever wants to know. */
import type { TimeoutQueue } from '../../clock/timeout-queue.ts';
import { type Envelope, PoisonError } from '../codec/envelope.ts';
import type { ReadValue, ValueCodec } from '../codec/value-codec.ts';
import { tierKey } from '../cache-key.ts';
import { type Generations, NAMESPACE } from './generations.ts';
import type { TierLink } from './link.ts';
import type { ResolvedTierOptions } from './options.ts';
import { ReadBatch } from './read-batch.ts';
import { NOTHING_KNOWN, type TierAnswer, type TierOwner, type TierValue } from './tier-answer.ts';
import { type TierAsker, TierQuestion, type TierWish } from './tier-question.ts';
import type { TierRecord } from './tier-store.ts';
import type { TierWriter } from './tier-writer.ts';

/** What a reader works with. */
interface ReaderTools<Value> {
  readonly link: TierLink;
  readonly codec: ValueCodec<Value>;
  readonly generations: Generations;
  readonly writer: TierWriter<Value>;
}

/** How long somebody waits: `soft`, to go on without after the soft deadline; `hard`, until there is an answer or none will come. */
export type TierPatience = 'soft' | 'hard';

export class TierReader<Value> {
  private readonly owner: TierOwner<Value>;
  private readonly tools: ReaderTools<Value>;
  private readonly batch: ReadBatch<TierQuestion<Value>>;
  private readonly wishes: Readonly<Record<TierPatience, TierWish>>;

  constructor(
    owner: TierOwner<Value>,
    options: ResolvedTierOptions,
    timeouts: TimeoutQueue,
    tools: ReaderTools<Value>,
  ) {
    this.owner = owner;
    this.tools = tools;
    const { link, generations } = tools;
    const slow = (): void => link.slow();
    this.wishes = {
      soft: { lane: timeouts.lane(options.softTimeoutMs), slow, mayFail: false },
      hard: { lane: undefined, slow, mayFail: options.onFailure === 'throw' },
    };
    this.batch = new ReadBatch(link, generations, (question, record, known) => this.take(question, record, known));
  }

  /** Asks for a key, and for the generations of the tags that its loaded value would have. */
  ask(text: string, patience: TierPatience, tags: readonly string[] | undefined, asker: TierAsker<Value>): void {
    const { link, writer } = this.tools;
    const pending = writer.pendingAnswer(text);
    if (pending !== undefined) {
      asker.tierAnswered(pending);
      return;
    }
    const wish = this.wishes[patience];
    if (link.isOpen) {
      const all = tags === undefined || tags.length === 0 ? NAMESPACE : [...NAMESPACE, ...tags];
      this.batch.add(new TierQuestion(text, tierKey(text), all, asker, wish));
    } else if (wish.mayFail) asker.tierFailed(link.unavailable());
    else asker.tierAnswered(NOTHING_KNOWN);
  }

  /** Tells what the store has under a key. Never throws. */
  private take(
    question: TierQuestion<Value>,
    record: TierRecord | undefined,
    generations: ReadonlyMap<string, string>,
  ): void {
    if (record?.bytes === undefined) {
      question.answer({ found: undefined, version: record?.version ?? 0, generations });
      return;
    }
    const read = this.read(record.bytes, question.key);
    if (!(read instanceof Promise)) {
      const isValid = this.isCurrent(read.envelope, generations);
      if (isValid !== undefined) {
        question.answer(answerOf(isValid ? read : undefined, record, generations));
        return;
      }
    }
    void this.takeLater(question, record, generations, read);
  }

  private read(bytes: Uint8Array, key: string): ReadValue<Value> | Promise<ReadValue<Value>> {
    try {
      return this.tools.codec.read(bytes, key);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same for what can't be told at once. Never rejects. */
  private async takeLater(
    question: TierQuestion<Value>,
    record: TierRecord,
    generations: ReadonlyMap<string, string>,
    reading: ReadValue<Value> | Promise<ReadValue<Value>>,
  ): Promise<void> {
    try {
      const read = await this.unlessPoison(question, record.bytes!, reading);
      const isValid = read !== undefined && (await this.isStillCurrent(read.envelope, generations));
      // Poison is removed, so that nothing is there.
      const version = read === undefined ? 0 : record.version;
      question.answer(answerOf(isValid ? read : undefined, { ...record, version }, generations));
    } catch (error) {
      // The store doesn't say what the generations are.
      question.fail(error);
    }
  }

  private async unlessPoison(
    { key, text }: TierQuestion<Value>,
    bytes: Uint8Array,
    reading: ReadValue<Value> | Promise<ReadValue<Value>>,
  ): Promise<ReadValue<Value> | undefined> {
    try {
      return await reading;
    } catch (error) {
      this.owner.counters.poison++;
      const fault = error instanceof PoisonError ? error.fault : 'undecodable';
      this.owner.tell('cache-poison', text, { fault, error });
      // A failure is told by the link.
      await this.tools.link.ask('discard', (store) => store.discard(key, bytes)).catch(() => undefined);
      return undefined;
    }
  }

  /** Whether none of its tags has been renewed since; undefined when that has to be asked for. */
  private isCurrent({ generations }: Envelope, known: ReadonlyMap<string, string>): boolean | undefined {
    const { pending } = this.tools.writer;
    let isKnown = true;
    for (const [tag, generation] of generations) {
      const current = known.get(tag);
      if ((current !== undefined && current !== generation) || pending.isVoid(tag)) return false;
      if (current === undefined) isKnown = false;
    }
    return isKnown ? true : undefined;
  }

  private async isStillCurrent(envelope: Envelope, known: ReadonlyMap<string, string>): Promise<boolean> {
    const isCurrent = this.isCurrent(envelope, known);
    if (isCurrent !== undefined) return isCurrent;
    const unknown = envelope.tags.filter((tag) => !known.has(tag));
    const generations = await this.tools.generations.of(unknown);
    const all = new Map([...known, ...unknown.map((tag, at) => [tag, generations[at]!] as const)]);
    return this.isCurrent(envelope, all) === true;
  }
}

/** @param read Undefined when there is no value, or none that is valid. */
function answerOf<Value>(
  read: ReadValue<Value> | undefined,
  record: TierRecord,
  generations: ReadonlyMap<string, string>,
): TierAnswer<Value> {
  const { version } = record;
  return { found: read === undefined ? undefined : valueOf(read, record), version, generations };
}

function valueOf<Value>({ value, envelope }: ReadValue<Value>, record: TierRecord): TierValue<Value> {
  const { freshMs, graceMs, etag, tags } = envelope;
  // What the store has left is the only clock that both processes share.
  const leftMs = Math.min(record.remainingMs, freshMs + graceMs);
  return {
    value,
    freshMs: leftMs - graceMs,
    graceMs,
    ageMs: freshMs + graceMs === Infinity ? 0 : freshMs + graceMs - leftMs,
    tags,
    etag,
    version: record.version,
  };
}
