import { resolveOptions } from '../options/resolve.ts';
import type { BatchWatcher } from '../policy/batch-watcher.ts';
import type { Batch } from './batch.ts';
import type { BatcherEvents } from './batch-events.ts';
import { batcher } from './batcher.ts';
import {
  type BatchContext,
  type Batcher,
  type BatcherStatistics,
  type BatchReport,
  type LoadOptions,
  type ThunkBatcher,
  type ThunkBatcherOptions,
  thunkBatcherRules,
} from './batcher-options.ts';
import { parallelMap } from './parallel-map.ts';

/** A thunk on its way, under its key. */
interface Keyed<Key, Value> {
  readonly key: Key;
  readonly thunk: (context: BatchContext) => Value | PromiseLike<Value>;
}

/** How a thunk ended; an outcome rather than an error, so that what was thrown passes as it is, be it no Error. */
type Ended<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: unknown };

/**
 * Collects keyed thunks and runs those of a batch together: for work that gains from going out at once rather than from
 * a request of its own for many keys.
 *
 * @throws ConfigurationError
 */
export function thunkBatcher<Key, Value>(options: ThunkBatcherOptions<Key> = {}): ThunkBatcher<Key, Value> {
  return new BatcherOfThunks(options);
}

class BatcherOfThunks<Key, Value> implements ThunkBatcher<Key, Value> {
  private readonly inner: Batcher<Keyed<Key, Value>, Ended<Value>>;

  constructor(given: ThunkBatcherOptions<Key>) {
    resolveOptions('thunkBatcher', given as ThunkBatcherOptions<never>, {}, thunkBatcherRules);
    const { concurrency = Infinity, weigh, identify, ...batching } = given;
    this.inner = batcher<Keyed<Key, Value>, Ended<Value>>({
      ...batching,
      weigh: weigh === undefined ? undefined : ({ key }) => weigh(key),
      identify: ({ key }) => (identify === undefined ? key : identify(key)),
      batch: (items, context) => this.runAll(items, context, Math.min(concurrency, items.length)),
    });
  }

  get name(): string {
    return this.inner.name;
  }

  get waiting(): number {
    return this.inner.waiting;
  }

  get statistics(): BatcherStatistics {
    return this.inner.statistics;
  }

  on(type: '*' | keyof BatcherEvents, listener: (event: never) => void): () => void {
    return this.inner.on(type as never, listener);
  }

  watchBatches(watcher: BatchWatcher): () => void {
    return this.inner.watchBatches(watcher);
  }

  async run(key: Key, thunk: Keyed<Key, Value>['thunk'], options?: LoadOptions): Promise<Value> {
    const ended = await this.inner.load({ key, thunk }, options);
    if (ended.ok) return ended.value;
    throw ended.error;
  }

  async flush(): Promise<BatchReport<Key, Value>> {
    return byKey(await this.inner.flush());
  }

  async close(): Promise<BatchReport<Key, Value>> {
    return byKey(await this.inner.close());
  }

  private async runAll(
    items: readonly Keyed<Key, Value>[],
    context: BatchContext,
    concurrency: number,
  ): Promise<Ended<Value>[]> {
    const run = async ({ thunk }: Keyed<Key, Value>): Promise<Ended<Value>> => {
      try {
        return { ok: true, value: await thunk(context) };
      } catch (error) {
        // The batch itself sees an outcome, not an error.
        (context as Batch<unknown, unknown>).failed++;
        return { ok: false, error };
      }
    };
    const ended: Ended<Value>[] = [];
    for await (const end of parallelMap(items, run, { concurrency })) ended.push(end);
    return ended;
  }
}

function byKey<Key, Value>(report: BatchReport<Keyed<Key, Value>, Ended<Value>>): BatchReport<Key, Value> {
  const results = new Map<Key, Value>();
  const errors = new Map<Key, unknown>();
  for (const [{ key }, ended] of report.results) {
    if (ended.ok) results.set(key, ended.value);
    else errors.set(key, ended.error);
  }
  return { results, errors };
}
