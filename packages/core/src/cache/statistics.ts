/** What a cache has done so far. */
export interface CacheStatistics {
  /** Fresh values found in memory. */
  readonly memoryHits: number;
  /** Fresh values found in the second tier. */
  readonly tierHits: number;
  /** Stale values given to callers, for whatever reason. */
  readonly staleHits: number;
  /** Questions for which there was no value that could be given at once. */
  readonly misses: number;
  /** Loaders that were started. */
  readonly loads: number;
  readonly loadFailures: number;
  /** Callers who joined the load of another. */
  readonly sharedFlights: number;
  /** Callers who were refused with the remembered error of a load. */
  readonly cooledDown: number;
  /** Loads whose value was not kept because of an invalidation meanwhile. */
  readonly fenced: number;
  /** Entries in memory, those included that have expired and not left yet. */
  readonly entries: number;
  /** Bytes in memory, where they are bounded; otherwise 0. */
  readonly bytes: number;
  /** Entries that left memory because there was no room. */
  readonly evicted: number;
  /** Entries that left memory because their time was up. */
  readonly expired: number;
  /** Entries that left memory because nobody read them. */
  readonly idle: number;
  /** Values that were too large for memory. */
  readonly tooLarge: number;
  /** Readings and writings of the second tier that failed or took too long. */
  readonly tierFailures: number;
  /** Writings that failed and were made good later. */
  readonly recovered: number;
  /** Writings that failed and were given up. */
  readonly lost: number;
  /** Stored values that could not be read: torn, of another schema, or not what the schema allows. */
  readonly poison: number;
}

/** @internal The counters that are the cache's own. */
export type CacheCounters = {
  -readonly [
    Counter in Exclude<keyof CacheStatistics, 'entries' | 'bytes' | 'evicted' | 'expired' | 'idle' | 'tooLarge'>
  ]: number;
};

/** @internal */
export function cacheCounters(): CacheCounters {
  return {
    memoryHits: 0,
    tierHits: 0,
    staleHits: 0,
    misses: 0,
    loads: 0,
    loadFailures: 0,
    sharedFlights: 0,
    cooledDown: 0,
    fenced: 0,
    tierFailures: 0,
    recovered: 0,
    lost: 0,
    poison: 0,
  };
}
