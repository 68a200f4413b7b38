/**
 * A budget by what goes on at one time, as Envoy's is: retries in flight are at most a share of the calls in flight.
 */
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { integer, ratio, type Rules } from '../options/rules.ts';
import type { RetryBudget } from './budget.ts';

/** Options of {@link retryBudget}. */
export interface RetryBudgetOptions {
  /** Which share of the calls in flight may be retries or hedges; above 0 and at most 1, default 0.2. */
  readonly maxRatio?: number | undefined;
  /** So many may always be in flight, however few calls there are; at least 0, default 3. */
  readonly minConcurrency?: number | undefined;
}

/** The defaults of {@link retryBudget}. */
export const retryBudgetDefaults: Readonly<{ maxRatio: number; minConcurrency: number }> = Object.freeze({
  maxRatio: 0.2,
  minConcurrency: 3,
});

/** A budget by what is in flight; see {@link retryBudget}. */
export interface InFlightBudget extends RetryBudget {
  /** How many calls the policies with this budget are busy with; one that passes several of them counts once. */
  readonly callsInFlight: number;
  /** How many retries and hedges are in flight, those included that wait for their time. */
  readonly retriesInFlight: number;
  /** How many there may be at present. */
  readonly maxRetriesInFlight: number;
}

const rules: Rules<RetryBudgetOptions> = Object.freeze({ maxRatio: ratio(), minConcurrency: integer(0) });

/**
 * A budget that admits further attempts while those in flight are at most max(`minConcurrency`, `maxRatio` · calls in
 * flight). A retry is in flight from the decision to make it, so its wait counts, until that attempt has ended.
 *
 * @throws ConfigurationError
 */
export function retryBudget(options: RetryBudgetOptions = {}): InFlightBudget {
  return new InFlight(options);
}

/** Whether 0.29 · 100 is 29 must not hang on how a product is rounded. */
const ROUNDING = 1e-9;

class InFlight implements InFlightBudget {
  private readonly options: Resolved<RetryBudgetOptions, typeof retryBudgetDefaults>;
  /** Each call with the number of policies that are busy with it. */
  private readonly calls: Map<object, number> = new Map();
  private taken = 0;

  constructor(given: RetryBudgetOptions) {
    this.options = resolveOptions('retryBudget', given, retryBudgetDefaults, rules);
  }

  get callsInFlight(): number {
    return this.calls.size;
  }

  get retriesInFlight(): number {
    return this.taken;
  }

  get maxRetriesInFlight(): number {
    const { maxRatio, minConcurrency } = this.options;
    return Math.max(minConcurrency, Math.floor(maxRatio * this.calls.size + ROUNDING));
  }

  callBegan(call: object): void {
    this.calls.set(call, (this.calls.get(call) ?? 0) + 1);
  }

  callEnded(call: object): void {
    const left = this.calls.get(call)! - 1;
    if (left > 0) this.calls.set(call, left);
    else this.calls.delete(call);
  }

  attemptEnded(): void {
    // How attempts end is nothing to a budget that counts what is under way.
  }

  tryTake(): boolean {
    if (this.taken >= this.maxRetriesInFlight) return false;
    this.taken++;
    return true;
  }

  giveBack(): void {
    this.taken--;
  }
}
