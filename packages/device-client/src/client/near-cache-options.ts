import { integer, milliseconds, positiveMilliseconds, resolveOptions, type Rules } from 'breakwater/options';

/** Options of the near cache. */
export interface NearCacheOptions {
  /** How many devices it keeps; at least 1, default 10,000. */
  readonly maxEntries?: number | undefined;
  /**
   * For how long a device is kept at most, in milliseconds; default 30,000. The stream invalidates much sooner; this is how old a
   * device may be when the stream is away.
   */
  readonly ttlMs?: number | undefined;
  /** For how long it is remembered that there is no such device, in milliseconds; default 5,000. */
  readonly missingTtlMs?: number | undefined;
  /** For how long beyond `ttlMs` a device may stand in when it can't be asked for, in milliseconds; default 0. */
  readonly staleIfErrorMs?: number | undefined;
}

/** What a near cache does when nothing else is said. */
export const nearCacheDefaults: Readonly<Required<{ [Key in keyof NearCacheOptions]: number }>> = Object.freeze({
  maxEntries: 10_000,
  ttlMs: 30_000,
  missingTtlMs: 5_000,
  staleIfErrorMs: 0,
});

/** Options of the near cache, complete. */
export type ResolvedNearCacheOptions = typeof nearCacheDefaults;

const rules: Rules<NearCacheOptions> = {
  maxEntries: integer(1),
  ttlMs: positiveMilliseconds(),
  missingTtlMs: milliseconds(),
  staleIfErrorMs: milliseconds(),
};

/** Undefined where there is to be none, or where it is something that the client's own rules refuse. @throws ConfigurationError */
export function resolveNearCacheOptions(path: string, given: unknown): ResolvedNearCacheOptions | undefined {
  if (given === true) return nearCacheDefaults;
  if (typeof given !== 'object' || given === null) return undefined;
  return resolveOptions(path, given as NearCacheOptions, nearCacheDefaults, rules);
}
