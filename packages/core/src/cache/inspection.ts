import type { CacheCore } from './cache-core.ts';
import type { CacheTierName } from './events.ts';

/** What is known of a key. Times are in milliseconds from now. */
export interface CacheInspection<Value> {
  readonly value: Value;
  readonly tier: CacheTierName;
  /** How long ago its value was loaded or set. */
  readonly ageMs: number;
  /** How long it is fresh yet; below 0: for how long it has been stale. */
  readonly freshMs: number;
  /** How long it is of any use yet. */
  readonly remainingMs: number;
  readonly tags: readonly string[];
  readonly etag: string | undefined;
  /** Its version in the second tier; 0 when it isn't known to be there. */
  readonly version: number;
}

/** @internal */
export async function inspection<Value>(
  core: CacheCore<Value>,
  text: string,
): Promise<CacheInspection<Value> | undefined> {
  const entry = core.glance(text);
  if (entry !== undefined) {
    const now = core.memory.now();
    return {
      value: core.shown(entry.value),
      tier: 'memory',
      ageMs: now - entry.createdAt,
      freshMs: entry.freshUntil - now,
      remainingMs: entry.goneAt - now,
      tags: entry.tags,
      etag: entry.etag,
      version: entry.version,
    };
  }
  const found = (await core.tier?.find(text, 'hard'))?.found;
  if (found === undefined) return undefined;
  const { value, ageMs, freshMs, graceMs, tags, etag, version } = found;
  return { value, tier: 'second', ageMs, freshMs, remainingMs: freshMs + graceMs, tags, etag, version };
}
