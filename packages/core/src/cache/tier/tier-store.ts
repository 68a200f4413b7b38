/** What a second tier is made of: a store of bytes with versions. `redisStore` and `diskStore` are such. */

/** Where a second tier comes from: what `redisStore(…)` and `diskStore(…)` make. */
export interface TierSource {
  /** Makes the store of one cache. */
  open(namespace: string): TierStore;
}

/** Something that a tier store holds under a key. */
export interface TierRecord {
  /** Counts up with every writing and deletion of the key; above 0. */
  readonly version: number;
  /** Undefined after a deletion: the version stays known for a while, so that what was loaded before is not written. */
  readonly bytes: Uint8Array | undefined;
  /** How long the store will keep it yet, in milliseconds; Infinity for ever. */
  readonly remainingMs: number;
}

/** What was read, in the order in which it was asked for. */
export interface TierReading {
  /** Undefined for keys that are not there. */
  readonly records: readonly (TierRecord | undefined)[];
  readonly generations: readonly string[];
}

/** A store behind memory. Keys are texts without control characters. Every operation may reject: then nothing is known. */
export interface TierStore {
  /** `redis`, `disk`. */
  readonly name: string;
  /** Reads many keys in one go, and the generations of tags with them, as {@link TierStore.generations} does. */
  read(keys: readonly string[], tags: readonly string[]): Promise<TierReading>;
  /**
   * Writes a key.
   *
   * @param lifeMs How long it is kept: above 0, or Infinity.
   * @param expected Only if this is still its version, 0 meaning that it is not there; undefined: whatever is there.
   * @returns The new version; 0 when another version was there.
   */
  write(key: string, bytes: Uint8Array, lifeMs: number, expected: number | undefined): Promise<number>;
  /** Deletes a key, and keeps its new version known for `lifeMs`. Resolves to that version. */
  remove(key: string, lifeMs: number): Promise<number>;
  /** Removes a key if these bytes are still what it holds. */
  discard(key: string, bytes: Uint8Array): Promise<void>;
  /** The generations of tags; one that has none is given one. */
  generations(tags: readonly string[]): Promise<readonly string[]>;
  /** Gives tags new generations, which are never repeated. */
  renew(tags: readonly string[]): Promise<void>;
  /** The keys that match a glob of Redis, in portions; some may come twice, and such that are deleted may be among them. */
  scan(glob: string): AsyncIterable<readonly string[]>;
  /** Resolves when the store answers. */
  ping(): Promise<unknown>;
  /** Takes a lease on loading a key, for at most `leaseMs`; false when another holds it. */
  lease(key: string, holder: string, leaseMs: number): Promise<boolean>;
  /** Gives a lease back; harmless when it is another's. */
  release(key: string, holder: string): Promise<void>;
  /** Lets go of what the store itself has opened. */
  close?(): Promise<void>;
}
