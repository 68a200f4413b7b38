import type { CacheCore } from './cache-core.ts';
import { CacheEntry } from './cache-entry.ts';
import { checkKey } from './cache-key.ts';

/** An entry of memory as plain data. Times are in milliseconds before and after the moment of the dump. */
export interface CacheSnapshotEntry<Value> {
  readonly key: string;
  readonly value: Value;
  readonly ageMs: number;
  readonly freshMs: number;
  /** How long it is of any use yet; null stands for ever. */
  readonly remainingMs: number | null;
  readonly tags: readonly string[];
  readonly etag?: string;
}

/** What is in the memory of a cache, as plain data: what JSON can hold if the values are. */
export interface CacheSnapshot<Value> {
  readonly format: 1;
  /** When it was taken, by the wall clock: what has passed since counts against the entries. */
  readonly takenAt: number;
  readonly entries: readonly CacheSnapshotEntry<Value>[];
}

/** @internal */
export function dump<Value>(core: CacheCore<Value>): CacheSnapshot<Value> {
  const now = core.memory.now();
  const entries: CacheSnapshotEntry<Value>[] = [];
  for (const [key, entry] of core.memory.entries()) {
    if (!core.fences.admits(entry)) continue;
    const { createdAt, freshUntil, goneAt, tags, etag } = entry;
    const remainingMs = goneAt === Infinity ? null : goneAt - now;
    const freshMs = freshUntil === Infinity ? Number.MAX_SAFE_INTEGER : freshUntil - now;
    const plain = { key, value: core.shown(entry.value), ageMs: now - createdAt, freshMs, remainingMs, tags };
    entries.push(etag === undefined ? plain : { ...plain, etag });
  }
  return { format: 1, takenAt: core.clock.wallTime(), entries };
}

/** @internal */
export function restore<Value>(
  core: CacheCore<Value>,
  snapshot: CacheSnapshot<Value>,
  fence: (text: string) => void,
): number {
  if (snapshot.format !== 1) throw new RangeError(`a snapshot of format ${String(snapshot.format)} is not known`);
  // A wall clock that was put back makes nothing younger.
  const passedMs = Math.max(0, core.clock.wallTime() - snapshot.takenAt);
  const now = core.memory.now();
  let loaded = 0;
  for (const { key, value, ageMs, freshMs, remainingMs, tags, etag } of snapshot.entries) {
    const leftMs = (remainingMs ?? Infinity) - passedMs;
    if (!(leftMs > 0)) continue;
    fence(checkKey(key));
    const freshLeftMs = freshMs === Number.MAX_SAFE_INTEGER ? Infinity : freshMs - passedMs;
    core.memory.noteLife(freshLeftMs);
    const times = {
      createdAt: now - ageMs - passedMs,
      freshUntil: now + freshLeftMs,
      eagerAt: Infinity,
      goneAt: now + leftMs,
    };
    core.memory.put(key, new CacheEntry(value, times, core.fences.sequence, [...tags], etag), times.goneAt, now);
    loaded++;
  }
  return loaded;
}
