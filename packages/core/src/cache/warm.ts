import type { Clock } from '../clock/clock.ts';
import type { CacheKey } from './cache-key.ts';
import { resolveOptions } from '../options/resolve.ts';
import { callable, implementing, integer, type Rules } from '../options/rules.ts';

/** How far a warming has come. */
export interface WarmProgress {
  /** Keys that are done. */
  readonly done: number;
  readonly failed: number;
  readonly elapsedMs: number;
}

/** What has become of a warming. */
export interface WarmResult extends WarmProgress {
  /** Errors of batches that failed, 100 at most. */
  readonly errors: readonly unknown[];
}

/** How a cache is warmed. */
export interface WarmOptions {
  /** How many keys are loaded in one call: an integer of at least 1; default 100. */
  readonly batchSize?: number | undefined;
  /** How many calls run at once: an integer of at least 1; default 4. */
  readonly concurrency?: number | undefined;
  /** Told after each batch. */
  readonly onProgress?: ((progress: WarmProgress) => void) | undefined;
  /** Begins no more batches when aborted. */
  readonly signal?: AbortSignal | undefined;
}

const defaults: { readonly batchSize: 100; readonly concurrency: 4 } = Object.freeze({
  batchSize: 100,
  concurrency: 4,
});

const rules: Rules<WarmOptions> = {
  batchSize: integer(1),
  concurrency: integer(1),
  onProgress: callable(),
  signal: implementing<AbortSignal>('an AbortSignal', 'addEventListener', 'removeEventListener'),
};

const MOST_ERRORS = 100;

/** @internal */
export async function warm<Key extends CacheKey>(
  keys: Iterable<Key> | AsyncIterable<Key>,
  loadBatch: (keys: readonly Key[]) => Promise<unknown>,
  given: WarmOptions | undefined,
  clock: Clock,
  hookFailed: (error: unknown) => void,
): Promise<WarmResult> {
  const { batchSize, concurrency, onProgress, signal } = resolveOptions('warm', given, defaults, rules);
  const startedAt = clock.now();
  const errors: unknown[] = [];
  let done = 0;
  let failed = 0;
  const progress = (): WarmProgress => ({ done, failed, elapsedMs: clock.now() - startedAt });
  const batches = inBatches(keys, batchSize);
  const work = async (): Promise<void> => {
    for await (const batch of batches) {
      if (signal?.aborted === true) break;
      try {
        await loadBatch(batch);
      } catch (error) {
        failed += batch.length;
        if (errors.length < MOST_ERRORS) errors.push(error);
      }
      done += batch.length;
      try {
        onProgress?.(progress());
      } catch (error) {
        hookFailed(error);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return { ...progress(), errors };
}

/** Several readers share one of these: an async generator answers them one after the other. */
async function* inBatches<Key>(keys: Iterable<Key> | AsyncIterable<Key>, size: number): AsyncGenerator<Key[], void> {
  let batch: Key[] = [];
  for await (const key of keys) {
    batch.push(key);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
