/**
 * A budget by outcomes, as gRPC throttles retries (gRFC A6): a bucket of tokens, full at first. An attempt that fails
 * takes one out, one that is answered puts a fraction of one in, and further attempts are made only while the bucket is
 * more than half full. So with a ratio of 0.1 they stop once more than about one attempt in eleven fails for a while,
 * and come back as soon as enough attempts are answered.
 */
import { resolveOptions } from '../options/resolve.ts';
import { number, type Rules } from '../options/rules.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { RetryBudget } from './budget.ts';

/** Options of {@link tokenBudget}. */
export interface TokenBudgetOptions {
  /** How many tokens the bucket holds, and begins with: 0.001 to 1,000, default 10. Three decimals count. */
  readonly maxTokens?: number | undefined;
  /** How many tokens an answered attempt puts in: 0.001 to 1, default 0.1. Three decimals count. */
  readonly tokenRatio?: number | undefined;
}

/** The defaults of {@link tokenBudget}. */
export const tokenBudgetDefaults: Readonly<{ maxTokens: number; tokenRatio: number }> = Object.freeze({
  maxTokens: 10,
  tokenRatio: 0.1,
});

/** A budget by outcomes; see {@link tokenBudget}. */
export interface TokenBudget extends RetryBudget {
  /** How many tokens there are: further attempts are made while it is above half of `maxTokens`. */
  readonly tokens: number;
}

const rules: Rules<TokenBudgetOptions> = Object.freeze({
  maxTokens: number(0.001, 1_000),
  tokenRatio: number(0.001, 1),
});

/**
 * A budget that admits further attempts while it holds more than half of its tokens: a failed attempt takes one, an
 * answered one puts `tokenRatio` of one back. An attempt whose failure no other can mend changes nothing.
 *
 * @throws ConfigurationError
 */
export function tokenBudget(options: TokenBudgetOptions = {}): TokenBudget {
  return new Tokens(options);
}

const THOUSANDTHS = 1_000;

/** Counts in thousandths, since sums of tenths are not exact. */
class Tokens implements TokenBudget {
  private readonly most: number;
  private readonly perAnswer: number;
  private left: number;
  /** An outcome that a hedge has told is not to count again when the retry around it tells it. */
  private readonly counted: WeakSet<Outcome> = new WeakSet();

  constructor(given: TokenBudgetOptions) {
    const { maxTokens, tokenRatio } = resolveOptions('tokenBudget', given, tokenBudgetDefaults, rules);
    this.most = Math.round(maxTokens * THOUSANDTHS);
    this.perAnswer = Math.round(tokenRatio * THOUSANDTHS);
    this.left = this.most;
  }

  get tokens(): number {
    return this.left / THOUSANDTHS;
  }

  callBegan(): void {
    // How many calls there are is nothing to a budget that counts how they end.
  }

  callEnded(): void {
    // Nor when they end.
  }

  attemptEnded(outcome: Outcome, acceptable: boolean): void {
    // While all is well there is nothing to count.
    if (acceptable && this.left === this.most) return;
    if (this.counted.has(outcome)) return;
    this.counted.add(outcome);
    this.left = acceptable ? Math.min(this.most, this.left + this.perAnswer) : Math.max(0, this.left - THOUSANDTHS);
  }

  tryTake(): boolean {
    return this.left * 2 > this.most;
  }

  giveBack(): void {
    // An attempt costs nothing by itself, only by its failure.
  }
}
