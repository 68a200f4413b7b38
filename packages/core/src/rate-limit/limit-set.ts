/**
 * The limits of a limiter as one: a request is let through by all of them or takes nothing from any. Asks each first,
 * and takes only when all have agreed.
 *
 * Requests that have something to share stand in one contest: those whose keys agree in all the parts that every limit
 * counts by. A limit that counts by just these parts is shared by the whole contest; what another limit refuses one
 * request it may grant the next.
 */
import { type Meter, microseconds, NO_SLOT } from './algorithms/meter.ts';
import { costAt, type Costs } from './cost.ts';
import type { RateLimitDecision } from './decision.ts';
import { KeyTable } from './keys/key-table.ts';
import { commonParts, keyFor, type LimiterKey } from './keys/limiter-key.ts';
import type { Commitment, Limit } from './limit.ts';

const US_PER_MS = 1_000;

export class LimitSet {
  readonly limits: readonly Limit[];
  readonly names: readonly string[];
  /** The parts that tell contests apart: undefined for the whole key. */
  readonly contestParts: readonly string[] | undefined;
  /** After a refusal: whether all that refused is shared by the whole contest, so that nobody else there may go on. */
  refusedByAll = true;
  private readonly shared: readonly boolean[];
  private readonly tables: readonly KeyTable[];
  /** The only limit, where there is but one and it counts by whole keys. */
  private readonly only: Limit | undefined;

  constructor(limits: readonly Limit[], maxKeys: number, onEvicted: (key: string) => void) {
    this.limits = limits;
    this.names = limits.map(({ name }) => name);
    this.contestParts = commonParts(limits.map(({ per }) => per));
    this.shared = limits.map(({ per }) => isSameParts(per, this.contestParts));
    this.tables = shareTables(limits, maxKeys, onEvicted);
    this.only = limits.length === 1 && limits[0]!.per === undefined ? limits[0] : undefined;
  }

  /** How many keys are remembered, over all limits. */
  get keys(): number {
    return this.tables.reduce((sum, { size }) => sum + size, 0);
  }

  /** The largest cost that the limit at `index` can ever take at once. */
  maxCost(index: number): number {
    return this.limits[index]!.meter.maxCost;
  }

  /** Whether all who stand in one contest share the limit at `index`. */
  isShared(index: number): boolean {
    return this.shared[index]!;
  }

  contestOf(key: LimiterKey | undefined): string | undefined {
    return keyFor(this.contestParts, key);
  }

  /**
   * Decides about a request.
   *
   * @param commit True takes the costs if they fit; false changes nothing.
   */
  decide(key: LimiterKey | undefined, costs: Costs, nowMs: number, commit: boolean): RateLimitDecision {
    const { only } = this;
    const nowUs = microseconds(nowMs);
    if (only === undefined || typeof key === 'object' || only.hasPromises) {
      return this.decideAll(key, costs, nowMs, nowUs, commit);
    }
    const cost = typeof costs === 'number' ? costs : costs[0]!;
    const slot = only.slot(key);
    const { meter } = only;
    const waitUs =
      slot === NO_SLOT ? assessNew(only, key!, cost, nowUs, commit) : meter.assess(slot, cost, nowUs, commit);
    return {
      allowed: waitUs === 0,
      limitName: only.name,
      limitValue: meter.limitValue,
      remaining: meter.left,
      // Counted from the time as it was read: added to that it is the very microsecond at which the request fits.
      retryAfterMs: waitUs === 0 ? 0 : (nowUs + waitUs) / US_PER_MS - nowMs,
      resetMs: meter.freshInUs / US_PER_MS,
      oversize: waitUs === Infinity,
      degraded: false,
      shadow: false,
    };
  }

  /** After how many milliseconds costs would be through that are the sums of what many ask for, one after the other. */
  drainMs(key: LimiterKey | undefined, costs: readonly number[], nowMs: number): number {
    const nowUs = microseconds(nowMs);
    let longest = 0;
    for (const [index, limit] of this.limits.entries()) {
      const own = keyFor(limit.per, key);
      const slot = limit.slot(own);
      const bareUs = limit.meter.drainUs(slot, costs[index]!, nowUs);
      // What is promised to others until then comes first.
      const promised = limit.promised(own, nowUs + bareUs);
      const waitUs = promised === 0 ? bareUs : limit.meter.drainUs(slot, costs[index]! + promised, nowUs);
      longest = Math.max(longest, waitUs);
    }
    return longest / US_PER_MS;
  }

  /** The limit that the costs never fit into; undefined when there is none. */
  oversizeLimit(costs: Costs): Limit | undefined {
    return this.limits.find(({ meter }, index) => costAt(costs, index) > meter.maxCost);
  }

  /** The limit that holds a request back longest. */
  slowest(key: LimiterKey | undefined, costs: Costs, nowMs: number): Limit {
    const nowUs = microseconds(nowMs);
    let [slowest, longestUs] = [this.limits[0]!, -1];
    for (const [index, limit] of this.limits.entries()) {
      const waitUs = limit.waitUs(keyFor(limit.per, key), costAt(costs, index), nowUs);
      if (waitUs > longestUs) [slowest, longestUs] = [limit, waitUs];
    }
    return slowest;
  }

  /** The first microsecond from `fromUs` on at which all costs fit, beside everything that is promised; Infinity for never. */
  earliestUs(key: LimiterKey | undefined, costs: Costs, fromUs: number, nowUs: number): number {
    for (let at = fromUs; ;) {
      let latest = at;
      for (const [index, limit] of this.limits.entries()) {
        latest = Math.max(latest, limit.earliestUs(keyFor(limit.per, key), costAt(costs, index), at, nowUs));
      }
      // A time that suits one may not suit another: from there on all are asked again.
      if (latest === at || latest === Infinity) return latest;
      at = latest;
    }
  }

  /** Promises all costs at `atUs`, which must have been found to fit. */
  commit(key: LimiterKey | undefined, costs: Costs, atUs: number, nowUs: number): readonly Commitment[] {
    return this.limits.map((limit, index) => limit.commit(keyFor(limit.per, key), costAt(costs, index), atUs, nowUs));
  }

  /** Charges costs that were not asked for first: what does not fit is a debt. */
  charge(key: LimiterKey | undefined, costs: Costs, nowMs: number): void {
    const nowUs = microseconds(nowMs);
    for (const [index, limit] of this.limits.entries()) limit.take(keyFor(limit.per, key), costAt(costs, index), nowUs);
  }

  /** Takes debts away, whoever made them. */
  forgive(key: LimiterKey | undefined, costs: Costs, nowMs: number): void {
    const nowUs = microseconds(nowMs);
    for (const [index, limit] of this.limits.entries())
      limit.forgive(keyFor(limit.per, key), costAt(costs, index), nowUs);
  }

  /** Makes `key` as fresh as one that was never seen, in all limits but those that it shares with other keys. */
  forget(key: LimiterKey | undefined, nowMs: number): void {
    const nowUs = microseconds(nowMs);
    const shared = key !== undefined && this.limits.some(({ per }) => per?.length !== 0);
    for (const limit of this.limits)
      if (!shared || limit.per?.length !== 0) limit.forget(keyFor(limit.per, key), nowUs);
  }

  private decideAll(
    key: LimiterKey | undefined,
    costs: Costs,
    nowMs: number,
    nowUs: number,
    commit: boolean,
  ): RateLimitDecision {
    const { limits } = this;
    const keys = limits.map(({ per }) => keyFor(per, key));
    let refusing = -1;
    let longestUs = 0;
    this.refusedByAll = true;
    for (const [index, limit] of limits.entries()) {
      const waitUs = limit.waitUs(keys[index], costAt(costs, index), nowUs);
      if (waitUs > 0 && this.shared[index] === false) this.refusedByAll = false;
      if (waitUs > longestUs) [refusing, longestUs] = [index, waitUs];
    }
    if (refusing >= 0) {
      const limit = limits[refusing]!;
      return refusal(limit, keys[refusing], limit.slot(keys[refusing]), longestUs, nowMs, nowUs);
    }
    return this.grantAll(keys, costs, nowUs, commit);
  }

  /** The limit that has the least left speaks for all. */
  private grantAll(
    keys: readonly (string | undefined)[],
    costs: Costs,
    nowUs: number,
    commit: boolean,
  ): RateLimitDecision {
    let scarcest: RateLimitDecision | undefined;
    for (const [index, limit] of this.limits.entries()) {
      const key = keys[index];
      const slot = commit ? limit.take(key, costAt(costs, index), nowUs) : limit.slot(key);
      const decision = grant(limit, key, slot, nowUs);
      if (scarcest === undefined || decision.remaining < scarcest.remaining) scarcest = decision;
    }
    return scarcest!;
  }
}

/** Assesses a key that has no slot: it is given one when it takes something. */
function assessNew({ meter, table }: Limit, key: string, cost: number, nowUs: number, commit: boolean): number {
  const waitUs = meter.assess(NO_SLOT, cost, nowUs, false);
  if (!commit || waitUs > 0 || cost === 0) return waitUs;
  return meter.assess(table.add(key, nowUs), cost, nowUs, true);
}

function grant(limit: Limit, key: string | undefined, slot: number, nowUs: number): RateLimitDecision {
  const { name, meter } = limit;
  return {
    allowed: true,
    limitName: name,
    limitValue: meter.limitValue,
    remaining: limit.remaining(key, slot, nowUs),
    retryAfterMs: 0,
    resetMs: meter.resetUs(slot, nowUs) / US_PER_MS,
    oversize: false,
    degraded: false,
    shadow: false,
  };
}

function refusal(
  limit: Limit,
  key: string | undefined,
  slot: number,
  waitUs: number,
  nowMs: number,
  nowUs: number,
): RateLimitDecision {
  const { name, meter } = limit;
  return {
    allowed: false,
    limitName: name,
    limitValue: meter.limitValue,
    remaining: limit.remaining(key, slot, nowUs),
    // Counted from the time as it was read: added to that it is the very microsecond at which the request fits.
    retryAfterMs: (nowUs + waitUs) / US_PER_MS - nowMs,
    resetMs: meter.resetUs(slot, nowUs) / US_PER_MS,
    oversize: waitUs === Infinity,
    degraded: false,
    shadow: false,
  };
}

/** Limits that count by the same parts find their keys in one table. */
function shareTables(limits: readonly Limit[], maxKeys: number, onEvicted: (key: string) => void): readonly KeyTable[] {
  const byParts = new Map<string, Limit[]>();
  for (const limit of limits) {
    const parts = JSON.stringify(limit.per ?? 'whole');
    byParts.set(parts, [...(byParts.get(parts) ?? []), limit]);
  }
  return [...byParts.values()].map((group) => {
    const meters: readonly Meter[] = group.map(({ meter }) => meter);
    const table = new KeyTable(meters, maxKeys, onEvicted);
    for (const limit of group) limit.table = table;
    return table;
  });
}

function isSameParts(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((part) => b.includes(part));
}
