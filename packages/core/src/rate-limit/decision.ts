/** What a limiter says about one request for admission. */
export interface RateLimitDecision {
  /** Whether the request may go on; its cost has then been taken. */
  readonly allowed: boolean;
  /**
   * The name of the limit that decided: the one that refused, or the one with the least left. `ban`, `pause`,
   * `deny-list` and `allow-list` where it was no limit that decided; `store` where a shared limiter could not ask.
   */
  readonly limitName: string;
  /** What that limit allows in a period. */
  readonly limitValue: number;
  /** How much could be taken at this moment, after this decision; a whole number of at least 0. */
  readonly remaining: number;
  /**
   * After how many milliseconds the same request fits, if nobody else takes anything; 0 when it was allowed, Infinity
   * when it never fits.
   */
  readonly retryAfterMs: number;
  /** In how many milliseconds the limit is as fresh as at the beginning, if nobody takes anything. */
  readonly resetMs: number;
  /** The cost is above the burst: no wait will ever make it fit. */
  readonly oversize: boolean;
  /** True when a shared limiter could not reach its store and decided by itself. */
  readonly degraded: boolean;
  /** True when the limiter only counts: it would have refused, and allowed all the same. */
  readonly shadow: boolean;
}

/** The names of what decides beside limits; no limit may have one of them. */
export const RESERVED_NAMES: readonly string[] = Object.freeze(['ban', 'pause', 'deny-list', 'allow-list', 'store']);

/** A decision that no limit has made. */
export function decisionApart(limitName: string, allowed: boolean, retryAfterMs: number): RateLimitDecision {
  return {
    allowed,
    limitName,
    limitValue: allowed ? Infinity : 0,
    remaining: allowed ? Infinity : 0,
    retryAfterMs,
    resetMs: retryAfterMs === Infinity ? 0 : retryAfterMs,
    oversize: false,
    degraded: false,
    shadow: false,
  };
}
