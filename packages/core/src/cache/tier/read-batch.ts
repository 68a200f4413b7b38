/** Questions for keys that come within one turn of the program are one question to the store, that for generations with it. */
import type { Generations } from './generations.ts';
import type { TierLink } from './link.ts';
import type { TierRecord } from './tier-store.ts';

/** More than so many keys are asked for in several questions. */
const MOST_KEYS = 256;

/** What a reader gets: the record of its key, and the generations of its tags. */
export interface BatchAnswer {
  readonly record: TierRecord | undefined;
  readonly generations: ReadonlyMap<string, string>;
}

interface Reader {
  readonly key: string;
  readonly tags: readonly string[];
  readonly resolve: (answer: BatchAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export class ReadBatch {
  private readonly link: TierLink;
  private readonly generations: Generations;
  private readers: Reader[] = [];

  constructor(link: TierLink, generations: Generations) {
    this.link = link;
    this.generations = generations;
  }

  read(key: string, tags: readonly string[]): Promise<BatchAnswer> {
    return new Promise((resolve, reject) => {
      if (this.readers.length === 0) queueMicrotask(() => this.flush());
      this.readers.push({ key, tags, resolve, reject });
      if (this.readers.length >= MOST_KEYS) this.flush();
    });
  }

  private flush(): void {
    const { readers } = this;
    if (readers.length === 0) return;
    this.readers = [];
    this.ask(readers).catch((error: unknown) => {
      for (const { reject } of readers) reject(error);
    });
  }

  private async ask(readers: readonly Reader[]): Promise<void> {
    const keys = readers.map(({ key }) => key);
    const { known, unknown } = this.generations.split(readers.flatMap(({ tags }) => tags));
    const mark = this.generations.mark();
    const { records, generations } = await this.link.ask('read', (store) => store.read(keys, unknown));
    const all = new Map([...known, ...this.generations.learn(unknown, generations, mark)]);
    for (const [at, { tags, resolve }] of readers.entries()) {
      resolve({ record: records[at], generations: new Map(tags.map((tag) => [tag, all.get(tag)!])) });
    }
  }
}
