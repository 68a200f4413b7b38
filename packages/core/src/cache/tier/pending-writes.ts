/**
 * Writings that the second tier has not confirmed: those under way, those that are collected to be written behind, and
 * those that failed and wait for the store to come back. The last one of each key counts.
 *
 * As long as a key is here, the store is not asked for it: what it holds may be older. When there are more than fit, or
 * a tag could not be renewed, it is the whole namespace, or the tag, that is to be renewed first when the store is back,
 * and until then nothing that carries it is taken from there.
 */
import type { CacheEntry } from '../cache-entry.ts';

/** The last thing that was to be written under a key. */
export interface PendingWrite<Value> {
  readonly text: string;
  /** Undefined: it is to be deleted. */
  readonly entry: CacheEntry<Value> | undefined;
  /** The version that the key was known to have; 0 when it wasn't known. */
  readonly base: number;
  /** Whether it was tried and failed, so that others may have written since. */
  tried: boolean;
}

export class PendingWrites<Value> {
  private readonly most: number;
  private readonly writes: Map<string, PendingWrite<Value>> = new Map();
  /** Tags that are to be renewed; '' is the namespace. */
  readonly tags: Set<string> = new Set();

  constructor(most: number) {
    this.most = most;
  }

  get size(): number {
    return this.writes.size;
  }

  get isEmpty(): boolean {
    return this.writes.size === 0 && this.tags.size === 0;
  }

  /** Enters the last writing of a key. Gives the number of writings that had to be given up for a renewal of everything. */
  add(write: PendingWrite<Value>): number {
    this.writes.delete(write.text);
    this.writes.set(write.text, write);
    if (this.writes.size <= this.most) return 0;
    const lost = this.writes.size;
    this.writes.clear();
    this.tags.add('');
    return lost;
  }

  /** The writing is done, unless there is a later one of its key. */
  done(write: PendingWrite<Value>): void {
    if (this.writes.get(write.text) === write) this.writes.delete(write.text);
  }

  isLast(write: PendingWrite<Value>): boolean {
    return this.writes.get(write.text) === write;
  }

  of(text: string): PendingWrite<Value> | undefined {
    return this.writes.get(text);
  }

  /** Whether what has this tag is to be taken for void until the tag is renewed. */
  isVoid(tag: string): boolean {
    return this.tags.has(tag);
  }

  /** All of them, the oldest first. */
  all(): PendingWrite<Value>[] {
    return [...this.writes.values()];
  }

  clear(): void {
    this.writes.clear();
    this.tags.clear();
  }
}
