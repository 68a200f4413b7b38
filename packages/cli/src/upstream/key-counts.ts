export interface KeyCount {
  readonly calls: number;
  readonly answered: number;
}

export interface KeySummary {
  readonly distinct: number;
  readonly answered: number;
  readonly answeredTwice: number;
  readonly maxCalls: number;
  /** Keys dropped because there were more than are kept; their counts start again at zero. */
  readonly forgotten: number;
}

interface Entry {
  calls: number;
  answered: number;
  attempts: number;
}

/** What happened to each key, for the latest `maxKeys` keys. */
export class KeyCounts {
  readonly #maxKeys: number;
  #entries = new Map<string, Entry>();
  #forgotten = 0;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  /** Counts a call; the number of the attempt when the API itself saw it, 0 when it was refused before. */
  called(key: string, admitted: boolean): number {
    const entry = this.#entryOf(key);
    entry.calls += 1;
    return admitted ? (entry.attempts += 1) : 0;
  }

  answered(key: string): void {
    this.#entryOf(key).answered += 1;
  }

  clear(): void {
    this.#entries = new Map();
    this.#forgotten = 0;
  }

  all(): Map<string, KeyCount> {
    return new Map(Array.from(this.#entries, ([key, { calls, answered }]) => [key, { calls, answered }]));
  }

  summary(): KeySummary {
    const summary = {
      distinct: this.#entries.size,
      answered: 0,
      answeredTwice: 0,
      maxCalls: 0,
      forgotten: this.#forgotten,
    };
    for (const { calls, answered } of this.#entries.values()) {
      if (answered > 0) summary.answered += 1;
      if (answered > 1) summary.answeredTwice += 1;
      if (calls > summary.maxCalls) summary.maxCalls = calls;
    }
    return summary;
  }

  #entryOf(key: string): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      if (this.#entries.size >= this.#maxKeys) this.#forgetOldest();
      entry = { calls: 0, answered: 0, attempts: 0 };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #forgetOldest(): void {
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      this.#forgotten += 1;
      return;
    }
  }
}
