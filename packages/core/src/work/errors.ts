import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/** One item whose mapper failed. */
export interface FailedItem {
  /** Its position in the source, from 0. */
  readonly index: number;
  readonly error: unknown;
}

/**
 * Thrown at the end of a {@link parallelMap} with `onError: 'collect'` when mappers failed: all are counted, the first
 * 1,000 are kept. Code `ITEMS_FAILED`, category `internal`.
 */
export class ItemsFailedError extends BreakwaterError {
  /** How many items failed. */
  readonly failed: number;
  /** The first of them, in the order in which they failed. */
  readonly samples: readonly FailedItem[];

  constructor(failed: number, samples: readonly FailedItem[]) {
    super(failed === 1 ? '1 item failed' : `${failed} items failed`, {
      code: 'ITEMS_FAILED',
      category: 'internal',
      details: { failed },
      cause: samples[0]?.error,
    });
    this.failed = failed;
    this.samples = samples;
  }
}
nameError(ItemsFailedError, 'ItemsFailedError');
