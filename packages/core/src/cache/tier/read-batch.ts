/** Questions for keys that come within one turn of the program are one question to the store. */
import type { TierLink } from './link.ts';
import type { TierRecord } from './tier-store.ts';

/** More than so many keys are asked for in several questions. */
const MOST_KEYS = 256;

interface Reader {
  readonly resolve: (record: TierRecord | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export class ReadBatch {
  private readonly link: TierLink;
  private keys: string[] = [];
  private readers: Reader[] = [];

  constructor(link: TierLink) {
    this.link = link;
  }

  read(key: string): Promise<TierRecord | undefined> {
    return new Promise((resolve, reject) => {
      if (this.keys.length === 0) queueMicrotask(() => this.flush());
      this.keys.push(key);
      this.readers.push({ resolve, reject });
      if (this.keys.length >= MOST_KEYS) this.flush();
    });
  }

  private flush(): void {
    const { keys, readers } = this;
    if (keys.length === 0) return;
    this.keys = [];
    this.readers = [];
    this.link
      .ask('read', (store) => store.read(keys))
      .then(
        (records) => {
          for (const [at, { resolve }] of readers.entries()) resolve(records[at]);
        },
        (error: unknown) => {
          for (const { reject } of readers) reject(error);
        },
      );
  }
}
