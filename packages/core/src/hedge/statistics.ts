/** What has become of the calls of a hedge. */
export interface HedgeStatistics {
  /** Calls that have come in. */
  readonly calls: number;
  /** Attempts beyond the first, of all calls together. */
  readonly hedges: number;
  /** Calls that their first attempt answered. */
  readonly answeredByFirst: number;
  /** Calls that a later attempt answered. */
  readonly answeredByHedge: number;
  /** Calls that ended without an acceptable result, those included that were ended from outside. */
  readonly failed: number;
  /** Attempts for which the budget had no room. */
  readonly refusedByBudget: number;
}

/** The same while it is being counted. */
export type HedgeCounts = { -readonly [Name in keyof HedgeStatistics]: HedgeStatistics[Name] };

/** Nothing has been counted yet. */
export function noHedgeCounts(): HedgeCounts {
  return { calls: 0, hedges: 0, answeredByFirst: 0, answeredByHedge: 0, failed: 0, refusedByBudget: 0 };
}
