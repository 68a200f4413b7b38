/** Keys that are asked for within one turn of the program are one question to the store, that for generations with it. */
import type { Generations } from './generations.ts';
import type { TierLink } from './link.ts';
import type { TierRecord } from './tier-store.ts';

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
  private readers: Each[] = [];

  constructor(link: TierLink, generations: Generations, take: Take<Each>) {
    this.link = link;
    this.generations = generations;
    this.take = take;
  }

  add(reader: Each): void {
    if (this.readers.length === 0) queueMicrotask(() => this.flush());
    this.readers.push(reader);
    if (this.readers.length >= MOST_KEYS) this.flush();
  }

  private flush(): void {
    const { readers } = this;
    if (readers.length === 0) return;
    this.readers = [];
    void this.ask(readers);
  }

  private async ask(readers: readonly Each[]): Promise<void> {
    try {
      const { known, unknown } = this.generations.split(readers);
      const mark = this.generations.mark();
      const keys = readers.map(({ key }) => key);
      const { records, generations } = await this.link.ask('read', (store) => store.read(keys, unknown));
      const learnt = this.generations.learn(unknown, generations, mark);
      for (const [tag, generation] of learnt) known.set(tag, generation);
      for (const [at, reader] of readers.entries()) this.take(reader, records[at], known);
    } catch (error) {
      for (const reader of readers) reader.fail(error);
    }
  }
}
