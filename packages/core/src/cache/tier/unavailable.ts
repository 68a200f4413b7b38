import { BreakwaterError, nameError } from '../../errors/breakwater-error.ts';
import { withoutStack } from '../../errors/rejection.ts';

/** The second tier gave no answer in time, or is known to be away. Code `CACHE_TIER_UNAVAILABLE`, category `cache`. */
export class TierUnavailableError extends BreakwaterError {
  constructor(tier: string, reason: string) {
    super(`the second tier ${tier} ${reason}`, {
      code: 'CACHE_TIER_UNAVAILABLE',
      category: 'cache',
      details: { tier },
    });
  }
}
nameError(TierUnavailableError, 'TierUnavailableError');

/** @internal At the price of a rejection. */
export function tierUnavailable(tier: string, reason: string): TierUnavailableError {
  return withoutStack(() => new TierUnavailableError(tier, reason));
}
