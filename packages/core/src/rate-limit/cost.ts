/**
 * What a request costs: a number that every limit of the limiter is charged, or a number for each limit by its name. A
 * limit that is not named is charged 1, so that `{ tokens: 1_200 }` is one request of 1,200 tokens.
 */
export type Cost = number | Readonly<Record<string, number>>;

/** A cost as limiters count it: one number for all limits, or one for each in their order. */
export type Costs = number | readonly number[];

/** What `costs` says about the limit at `index`. */
export function costAt(costs: Costs, index: number): number {
  return typeof costs === 'number' ? costs : costs[index]!;
}

/** @throws RangeError when a cost is no number of at least 0, or names a limit that is not there. */
export function resolveCost(cost: Cost | undefined, limitNames: readonly string[]): Costs {
  if (cost === undefined) return 1;
  if (typeof cost !== 'object' || cost === null) return checked(cost);
  for (const name of Object.keys(cost)) {
    if (!limitNames.includes(name))
      throw new RangeError(`a cost names the limit ${name}, and there is only ${limitNames.join(', ')}`);
  }
  return limitNames.map((name) => (Object.hasOwn(cost, name) ? checked(cost[name]!) : 1));
}

/** @throws RangeError as {@link resolveCost} does, and when what is to be charged has no end: no debt is paid back from that. */
export function resolveCharge(cost: Cost, limitNames: readonly string[]): Costs {
  const costs = resolveCost(cost, limitNames);
  const isFinite = typeof costs === 'number' ? costs < Infinity : costs.every((each) => each < Infinity);
  if (isFinite) return costs;
  throw new RangeError('a cost that is charged must be finite, not Infinity');
}

function checked(cost: number): number {
  if (typeof cost === 'number' && cost >= 0) return cost;
  throw new RangeError(`a cost must be a number of at least 0, not ${String(cost)}`);
}
