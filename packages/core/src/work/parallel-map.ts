/**
 * Maps a source with several mappers at once, driven by who reads the results.
 *
 * Nothing happens before the first result is asked for. From then on mappers are started as long as fewer than
 * `concurrency` run, and as long as what runs or has finished fits into `readAhead` plus what is being asked for: so a
 * consumer that stops asking stops the mappers, and the mappers stop the source.
 *
 * However it ends (the source, an error, an abort, a `break`), it ends once and completely: the mappers' signal is
 * aborted, those in flight are awaited, and the source is closed.
 */
import { resolveOptions } from '../options/resolve.ts';
import {
  checkpointRules,
  type MapperContext,
  type ParallelMapOptions,
  parallelMapDefaults,
  parallelMapRules,
} from './parallel-map-options.ts';
import { ParallelRun } from './parallel-run.ts';
import type { Source } from './source-reader.ts';

/**
 * Calls `mapper` for each item of `source`, at most `concurrency` at a time, and yields the results. Read it with
 * `for await`; leaving the loop early aborts what runs and closes the source.
 *
 * @param source Any iterable, synchronous or not; read one item at a time, and only when it is needed.
 * @param mapper Its result is awaited. It should end soon when its signal is aborted: the end of the iteration waits for it.
 * @throws ConfigurationError when the options can't be meant.
 */
export function parallelMap<T, R>(
  source: Source<T>,
  mapper: (item: T, context: MapperContext) => R,
  options: ParallelMapOptions,
): AsyncIterableIterator<Awaited<R>, undefined, undefined> {
  const resolved = resolveOptions('parallelMap', options, parallelMapDefaults, parallelMapRules, ['concurrency']);
  if (resolved.checkpoint !== undefined)
    resolveOptions('parallelMap.checkpoint', resolved.checkpoint, {}, checkpointRules);
  return new ParallelRun(source, mapper, resolved);
}
