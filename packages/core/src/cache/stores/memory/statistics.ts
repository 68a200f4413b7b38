/** What a memory store has done so far. */
export interface MemoryStoreStatistics {
  readonly size: number;
  /** How many bytes its entries take by `sizeOf`; 0 where bytes are not bounded. */
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  /** Entries that left because there was no room. */
  readonly evicted: number;
  /** Entries that left because their time was up. */
  readonly expired: number;
  /** Entries that left because nobody read them for `idleMs`. */
  readonly idle: number;
  /** Entries that were larger than the whole store and never entered. */
  readonly tooLarge: number;
}
