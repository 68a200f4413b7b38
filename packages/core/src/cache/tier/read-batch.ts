/** Keys that are asked for within one turn of the program are one question to the store, that for generations with it. */
import type { Generations, TagSplit } from './generations.ts';
import type { LinkAsker, TierLink } from './link.ts';
import type { TierReading, TierRecord } from './tier-store.ts';

/** More than so many keys are asked for in several questions. */
const MOST_KEYS = 256;

/** What is chained to it runs at the end of the current turn, at a third of the cost of Node's queueMicrotask. */
const now: Promise<void> = Promise.resolve();

/** Somebody who asks for a key, and for the generations of tags. */
interface Reader {
  readonly key: string;
  readonly tags: readonly string[];
  /** There is no answer; harmless for one who had his. */
  fail(error: unknown): void;
}

/** Takes the record of a reader, and the generations of its tags, which may stand among others. */
type Take<Each extends Reader> = (
  reader: Each,
  record: TierRecord | undefined,
  generations: ReadonlyMap<string, string>,
) => void;

export class ReadBatch<Each extends Reader> {
  private readonly link: TierLink;
  private readonly generations: Generations;
  private readonly take: Take<Each>;
  private readonly flushSoon: () => void;
  private readers: Each[] = [];

  constructor(link: TierLink, generations: Generations, take: Take<Each>) {
    this.link = link;
    this.generations = generations;
    this.take = take;
    this.flushSoon = () => this.flush();
  }

  add(reader: Each): void {
    if (this.readers.length === 0) void now.then(this.flushSoon);
    this.readers.push(reader);
    if (this.readers.length >= MOST_KEYS) this.flush();
  }

  private flush(): void {
    const { readers } = this;
    if (readers.length === 0) return;
    this.readers = [];
    const keys = readers.map(({ key }) => key);
    const question = new BatchQuestion(readers, this.generations, this.take);
    this.link.askFor(question, 'read', (store) => store.read(keys, question.unknownTags));
  }
}

/** Those who are in one question. */
class BatchQuestion<Each extends Reader> implements LinkAsker<TierReading> {
  private readonly readers: readonly Each[];
  private readonly generations: Generations;
  private readonly take: Take<Each>;
  private readonly split: TagSplit;
  private readonly mark: number;

  constructor(readers: readonly Each[], generations: Generations, take: Take<Each>) {
    this.readers = readers;
    this.generations = generations;
    this.take = take;
    this.split = generations.split(readers);
    this.mark = generations.mark();
  }

  get unknownTags(): readonly string[] {
    return this.split.unknown;
  }

  answered({ records, generations }: TierReading): void {
    const { readers, take } = this;
    try {
      const known = this.generations.join(this.split, generations, this.mark);
      for (let at = 0; at < readers.length; at++) take(readers[at]!, records[at], known);
    } catch (error) {
      // The store has given no reading.
      this.failed(error);
    }
  }

  failed(error: unknown): void {
    for (const reader of this.readers) reader.fail(error);
  }
}
