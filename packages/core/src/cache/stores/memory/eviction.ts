/**
 * What decides who leaves a full store. A policy is a value that is imported, so that a bundle holds only the one that
 * is used: {@link s3Fifo} (default), {@link wTinyLfu}, {@link lru}.
 */

/** How a policy follows the slots of one store. Slots are whole numbers from 0; hashes are 32 bits of their keys. */
export interface Eviction {
  /** Makes room for so many slots. */
  grow(capacity: number): void;
  /** A key was not found. */
  missed(hash: number): void;
  /** A slot was found. */
  used(slot: number, hash: number): void;
  /** A slot was filled with a new key. */
  admitted(slot: number, hash: number): void;
  /** A slot was emptied without having been asked for: its key was deleted or has expired. */
  removed(slot: number): void;
  /** Gives up a slot, which is then no longer followed. Only asked while at least one slot is followed. */
  victim(): number;
  /** Forgets everything. */
  clear(): void;
}

/** What a policy is told about its store. */
export interface EvictionSetting {
  /** How many entries the store may hold: an integer, or Infinity where only bytes are bounded. */
  readonly maxEntries: number;
  readonly hashOf: (slot: number) => number;
}

/** An eviction policy, to be given to a store or a cache. */
export interface EvictionPolicy {
  /** `s3-fifo`, `w-tinylfu`, `lru`. */
  readonly name: string;
  /** @internal */
  create(setting: EvictionSetting): Eviction;
}
