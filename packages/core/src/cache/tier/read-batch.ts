/** Keys that are asked for within one turn of the program are one question to the store, that for generations with it. */
import type { Generations, TagSplit } from './generations.ts';
import { LinkQuestion, type TierLink } from './link.ts';
import type { TierReading, TierRecord, TierStore } from './tier-store.ts';

/** More than so many keys are asked for in several questions. */
const MOST_KEYS = 256;

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
  /** Those who ask in this turn; undefined when nobody has yet. A list made of one item has no room that stays empty. */
  private readers: Each[] | undefined = undefined;

  constructor(link: TierLink, generations: Generations, take: Take<Each>) {
    this.link = link;
    this.generations = generations;
    this.take = take;
    this.flushSoon = () => this.flush();
  }

  add(reader: Each): void {
    if (this.readers === undefined) {
      this.readers = [reader];
      queueMicrotask(this.flushSoon);
    } else if (this.readers.push(reader) >= MOST_KEYS) this.flush();
  }

  private flush(): void {
    const { readers } = this;
    if (readers === undefined) return;
    this.readers = undefined;
    this.link.put(new ReadQuestion(readers, this.generations, this.take));
  }
}

/** The question of those who ask together. */
class ReadQuestion<Each extends Reader> extends LinkQuestion<TierReading> {
  readonly operation = 'read';
  private readonly readers: readonly Each[];
  private readonly generations: Generations;
  private readonly take: Take<Each>;
  private readonly tags: TagSplit;
  private readonly mark: number;

  constructor(readers: readonly Each[], generations: Generations, take: Take<Each>) {
    super();
    this.readers = readers;
    this.generations = generations;
    this.take = take;
    this.tags = generations.split(readers);
    this.mark = generations.mark();
  }

  override ask(store: TierStore): Promise<TierReading> {
    return store.read(
      this.readers.map(({ key }) => key),
      this.tags.unknown,
    );
  }

  override answered(reading: TierReading): void {
    const { readers, take } = this;
    try {
      const { records, generations } = reading;
      const known = this.generations.join(this.tags, generations, this.mark);
      for (let at = 0; at < readers.length; at++) take(readers[at]!, records[at], known);
    } catch (error) {
      // What the store gave is no reading.
      this.failed(error);
    }
  }

  override failed(error: unknown): void {
    for (const reader of this.readers) reader.fail(error);
  }
}
