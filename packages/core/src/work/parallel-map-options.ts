import type { Resolved } from '../options/resolve.ts';
import { callable, count, implementing, integer, oneOf, type Rules } from '../options/rules.ts';
import type { CheckpointOptions } from './checkpoint.ts';

/** What a mapper is told beside its item. */
export interface MapperContext {
  /** The position of the item in the source, from 0. */
  readonly index: number;
  /** Aborted when the result is no longer wanted; one signal for all mappers of a run. */
  readonly signal: AbortSignal;
}

/** Options of {@link parallelMap}. */
export interface ParallelMapOptions {
  /** How many mappers run at once at most: an integer of at least 1. */
  readonly concurrency: number;
  /** Whether results come in the order of the source (default) or as mappers finish. */
  readonly order?: 'input' | 'completion' | undefined;
  /**
   * How many results may be in the making or wait, beyond those that are being asked for: an integer of at least 0, or
   * Infinity; default: the concurrency. With 0 nothing runs that nobody has asked for. In input order, more of it keeps
   * mappers busy behind a slow item.
   */
  readonly readAhead?: number | undefined;
  /** Ends everything when aborted; the iteration throws its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * What a mapper that fails does. `stop` (default): the others are aborted, and the iteration throws that error.
   * `collect`: the others go on, and the iteration throws an ItemsFailedError at its end.
   */
  readonly onError?: 'stop' | 'collect' | undefined;
  /**
   * Writes down, every so many items, which are done, so that another run can go on where this one was ended. An item
   * is done when its result has been handed out and the reader has asked for another one, or when it has failed and
   * was collected. Default: nothing is written.
   */
  readonly checkpoint?: CheckpointOptions | undefined;
}

/** The options of a run, resolved. */
export type ParallelRunOptions = Resolved<ParallelMapOptions, typeof parallelMapDefaults>;

/** The defaults of parallelMap. */
export const parallelMapDefaults: { readonly order: 'input'; readonly onError: 'stop' } = Object.freeze({
  order: 'input',
  onError: 'stop',
});

export const parallelMapRules: Rules<ParallelMapOptions> = {
  concurrency: integer(1),
  order: oneOf('input', 'completion'),
  readAhead: count(0),
  signal: implementing<AbortSignal>('an AbortSignal', 'addEventListener', 'removeEventListener'),
  onError: oneOf('stop', 'collect'),
  checkpoint: implementing<CheckpointOptions>('where checkpoints go', 'save'),
};

export const checkpointRules: Rules<CheckpointOptions> = { every: integer(1), save: callable('a function') };
