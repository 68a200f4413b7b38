/** What may be changed about the keys. Everybody who shares a Redis must have the same. */
export interface RedisKeyOptions {
  /** Stands before every key; default: nothing. */
  readonly prefix?: string | undefined;
  /**
   * For Redis Cluster: puts the id into braces, so that the keys of one device share a slot, and so do the registry's. Default
   * false: the same keys as in a single Redis.
   */
  readonly hashTags?: boolean | undefined;
}

/** The keys under which everything is kept; docs/device-cache/contract.md says what stands in each. */
export interface RedisKeys {
  /** Hash: `metadata` (JSON object), `lastUpdated` (ISO 8601). Other fields are the service's own. */
  readonly metadata: (id: string) => string;
  /** Set: the categories of its readings. */
  readonly categories: (id: string) => string;
  /** Hash: a reading as JSON by its index. */
  readonly readings: (id: string, category: string) => string;
  /** Hash: what was written last, so that nothing older is: `{category}:{index}` the service's own, `*` the moment of a deletion in ms. */
  readonly fences: (id: string) => string;
  /** Sorted set: ids by the moment of their expiry in ms. */
  readonly devices: string;
  /** Sorted set: ids by `lastUpdated` in ms. */
  readonly updated: string;
  /** Sorted set: ids, all with score 0, in the order of their characters. */
  readonly ids: string;
  /** Stream: the log of changes, bounded; fields `device`, `cause`, `categories` (joined by commas), `at` (ISO 8601). */
  readonly changes: string;
}

/** How many changes the log holds, about. */
export const CHANGE_LOG_LENGTH = 10_000;

/** For how long a device is kept that is not heard of, in seconds, before jitter. */
export const DEFAULT_TTL_SECONDS = 86_400;

/** The keys of a layout. */
export function redisKeys({ prefix = '', hashTags = false }: RedisKeyOptions = {}): RedisKeys {
  const device = (id: string): string => `${prefix}device:${hashTags ? `{${id}}` : id}`;
  const registry = `${prefix}${hashTags ? '{devices}' : 'devices'}`;
  return Object.freeze({
    metadata: (id: string) => `${device(id)}:metadata`,
    categories: (id: string) => `${device(id)}:categories`,
    readings: (id: string, category: string) => `${device(id)}:category:${category}:readings`,
    fences: (id: string) => `${device(id)}:fences`,
    devices: registry,
    updated: `${registry}:updated`,
    ids: `${registry}:ids`,
    changes: `${registry}:changes`,
  });
}
