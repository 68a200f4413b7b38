import { TimeoutEntry, type TimeoutLane } from '../../clock/timeout-queue.ts';
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

class Deadline extends TimeoutEntry {
  private readonly expired: () => void;

  constructor(expired: () => void) {
    super();
    this.expired = expired;
  }

  override onTimeout(): void {
    this.expired();
  }
}

/** Waits for `operation` no longer than the lane says, and then calls `expired` and takes its answer. */
export function within<T>(lane: TimeoutLane, operation: Promise<T>, expired: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline = new Deadline(() => {
      try {
        resolve(expired());
      } catch (error) {
        reject(error);
      }
    });
    lane.add(deadline);
    operation.then(
      (value) => {
        lane.remove(deadline);
        resolve(value);
      },
      (error: unknown) => {
        lane.remove(deadline);
        reject(error);
      },
    );
  });
}
