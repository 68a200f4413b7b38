import { costAt, type Costs } from '../cost.ts';
import { commonParts, keyFor, type LimiterKey, wholeKey } from '../keys/limiter-key.ts';
import type { ResolvedLimit } from '../limit-options.ts';
import type { LimitQuestion } from './limit-store.ts';

/** Makes questions to the store out of requests. */
export class Questions {
  /** The limits as they are at present. */
  limits: readonly ResolvedLimit[];
  readonly names: readonly string[];
  private readonly contestParts: readonly string[] | undefined;

  constructor(limits: readonly ResolvedLimit[]) {
    this.limits = limits;
    this.names = limits.map(({ name }) => name);
    this.contestParts = commonParts(limits.map(({ per }) => per));
  }

  /** @throws RangeError when the key lacks a part that a limit counts by. */
  of(key: LimiterKey | undefined, costs: Costs): LimitQuestion {
    return {
      contest: keyFor(this.contestParts, key),
      key: wholeKey(key),
      limits: this.limits.map((numbers, index) => ({
        numbers,
        key: keyFor(numbers.per, key),
        cost: costAt(costs, index),
      })),
    };
  }

  /** The same, but only of those limits that `key` has to itself, unless it shares all of them. */
  ofOwn(key: LimiterKey | undefined): LimitQuestion {
    const question = this.of(key, 0);
    const isOwn = ({ per }: ResolvedLimit): boolean => per?.length !== 0;
    if (key === undefined || !this.limits.some(isOwn)) return question;
    return { ...question, limits: question.limits.filter(({ numbers }) => isOwn(numbers)) };
  }
}
