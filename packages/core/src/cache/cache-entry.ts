/** A value in memory and what is known of it. Times are milliseconds of the cache's clock. */
export class CacheEntry<Value> {
  readonly value: Value;
  readonly createdAt: number;
  /** From here on it is stale. */
  readonly freshUntil: number;
  /** From here on a reader has it loaded anew while it is still fresh; Infinity: nobody. */
  readonly eagerAt: number;
  /** From here on nobody may have it. */
  readonly goneAt: number;
  /** How many invalidations there had been when its load began. */
  readonly sequence: number;
  readonly tags: readonly string[];
  readonly etag: string | undefined;
  /** Its version in the second tier; 0 when it isn't known to be there. */
  version = 0;

  constructor(value: Value, times: EntryTimes, sequence: number, tags: readonly string[], etag: string | undefined) {
    this.value = value;
    this.createdAt = times.createdAt;
    this.freshUntil = times.freshUntil;
    this.eagerAt = times.eagerAt;
    this.goneAt = times.goneAt;
    this.sequence = sequence;
    this.tags = tags;
    this.etag = etag;
  }
}

/** When what happens to an entry. */
export interface EntryTimes {
  readonly createdAt: number;
  readonly freshUntil: number;
  readonly eagerAt: number;
  readonly goneAt: number;
}

/** What lives for `freshMs` and may be served stale for `graceMs` more, by the options of its cache. */
export function entryTimes(
  now: number,
  freshMs: number,
  graceMs: number,
  eagerRefreshRatio: number | undefined,
): EntryTimes {
  return {
    createdAt: now,
    freshUntil: now + freshMs,
    eagerAt: eagerRefreshRatio === undefined ? Infinity : now + freshMs * eagerRefreshRatio,
    goneAt: now + freshMs + graceMs,
  };
}

/** How long an entry may be served beyond its freshness. */
export function graceOfEntry(entry: CacheEntry<unknown>): number {
  return entry.freshUntil === Infinity ? 0 : entry.goneAt - entry.freshUntil;
}
