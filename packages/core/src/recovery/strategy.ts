import type { Random } from '../clock/random.ts';
import type { ErrorCategory } from '../errors/category.ts';
import type { ExecutionContext } from '../policy/context.ts';

/** A call that has failed, as strategies see it. */
export interface FailedCall {
  readonly error: unknown;
  readonly category: ErrorCategory;
  readonly code: string;
  /** Whether another try may help, by the kind of trouble and by what the error says of itself. */
  readonly retryable: boolean;
  /** After how many milliseconds it makes sense, where the error says so. */
  readonly retryAfterMs: number | undefined;
  /** How many times this strategy has sent this call in again. */
  readonly acted: number;
  /** Where a strategy that draws lots takes its numbers from. */
  readonly random: Random;
}

/** What is done about an error: the call goes in again after a delay, something stands in for its result, or it fails. */
export type RecoveryStep<Adds = unknown> =
  | { readonly do: 'again'; readonly delayMs: number }
  | {
      readonly do: 'substitute';
      /** Makes what the call gives instead of failing; where that fails too, the next strategy is asked. */
      readonly make: (error: unknown, context: ExecutionContext) => Adds | PromiseLike<Adds>;
      /** Whether calls are served worse than they should be as long as this is what they get; default false. */
      readonly degrades?: boolean;
    }
  | { readonly do: 'fail' };

/**
 * What to do about errors of a kind: one of this room's, or an object of your own. `Adds` is what it may give in place
 * of a result.
 */
export interface RecoveryStrategy<Adds = unknown> {
  /** What it is, in events and statistics. */
  readonly kind: string;
  /** What to do; undefined when it can do nothing (any more) for this call, and the next strategy is to be asked. */
  next(failed: FailedCall): RecoveryStep<Adds> | undefined;
}
