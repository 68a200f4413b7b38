import type { Clock, Timer } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { atTurnEnd } from '../clock/turn-end.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import type { BatchReason, BatchWatcher } from '../policy/batch-watcher.ts';
import { IntrusiveList } from '../structures/intrusive-list.ts';
import { Batch, type BatchEntry } from './batch.ts';
import type { BatcherEvents } from './batch-events.ts';
import { BatchTeller } from './batch-story.ts';
import {
  type Batcher,
  batcherDefaults,
  batcherRules,
  type BatcherOptions,
  type BatcherStatistics,
  type BatchReport,
  type LoadOptions,
} from './batcher-options.ts';
import { BatcherClosedError } from './errors.ts';

/**
 * Collects single loads into batches. A batch goes when it is full by count or weight, when its time is up, or when it
 * is flushed; a key that comes twice in one batch is loaded once. Nothing is remembered beyond a batch: for that, put a
 * cache around `load`.
 *
 * @throws ConfigurationError
 */
export function batcher<Key, Value>(options: BatcherOptions<Key, Value>): Batcher<Key, Value> {
  return new CollectingBatcher(options);
}

class CollectingBatcher<Key, Value> implements Batcher<Key, Value> {
  readonly name: string;
  private readonly options: Resolved<BatcherOptions<Key, Value>, typeof batcherDefaults>;
  private readonly clock: Clock;
  private readonly teller: BatchTeller;
  /** A list, since the tables that a set outgrows hold on to one another, and so to batches long gone, until a full collection. */
  private readonly inFlight: IntrusiveList<Batch<Key, Value>> = new IntrusiveList();
  private open: Batch<Key, Value> | undefined = undefined;
  private timer: Timer | undefined = undefined;
  private awaitsTurnEnd = false;
  private closed = false;
  private counts = { batches: 0, keys: 0, shared: 0, failed: 0 };

  constructor(given: BatcherOptions<Key, Value>) {
    this.options = resolveOptions('batcher', given, batcherDefaults, batcherRules as never, ['batch']);
    this.name = this.options.name;
    this.clock = this.options.clock ?? systemClock;
    this.teller = new BatchTeller(this.name, this.clock);
  }

  get waiting(): number {
    return this.open?.entries.size ?? 0;
  }

  get statistics(): BatcherStatistics {
    return { ...this.counts };
  }

  on(type: '*' | keyof BatcherEvents, listener: (event: never) => void): () => void {
    return this.teller.channel.on(type as never, listener);
  }

  watchBatches(watcher: BatchWatcher): () => void {
    return this.teller.watch(watcher);
  }

  load(key: Key, options?: LoadOptions): Promise<Value> {
    if (this.closed) return Promise.reject(new BatcherClosedError(this.name));
    const signal = options?.signal;
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    try {
      return this.join(key, signal);
    } catch (error) {
      // Of the user's `identify` or `weigh`: that key's failure alone.
      return Promise.reject(error);
    }
  }

  loadMany(keys: readonly Key[], options?: LoadOptions): Promise<(Value | Error)[]> {
    return Promise.all(keys.map((key) => this.load(key, options).catch(asError)));
  }

  async flush(): Promise<BatchReport<Key, Value>> {
    if (this.open !== undefined) this.dispatch(this.open, 'explicit');
    const underWay = [...this.inFlight];
    await Promise.all(underWay.map(async ({ ended }) => ended));
    const results = new Map<Key, Value>();
    const errors = new Map<Key, unknown>();
    for (const batch of underWay) batch.reportTo(results, errors);
    return { results, errors };
  }

  close(): Promise<BatchReport<Key, Value>> {
    this.closed = true;
    return this.flush();
  }

  private join(key: Key, signal: AbortSignal | undefined): Promise<Value> {
    const { identify, weigh, maxWeight, maxItems } = this.options;
    const identity = identify === undefined ? key : identify(key);
    const known = this.open?.entries.get(identity);
    if (known !== undefined) {
      this.counts.shared++;
      return this.wait(this.open!, identity, known, signal);
    }
    const weight = weigh === undefined ? 1 : weigh(key);
    if (this.open !== undefined && this.open.weight + weight > maxWeight) this.dispatch(this.open, 'weight');
    const batch = (this.open ??= this.begin());
    const waiting = this.wait(batch, identity, batch.add(identity, key, weight), signal);
    if (batch.entries.size >= maxItems) this.dispatch(batch, 'count');
    else if (batch.weight >= maxWeight) this.dispatch(batch, 'weight');
    return waiting;
  }

  private wait(
    batch: Batch<Key, Value>,
    identity: unknown,
    entry: BatchEntry<Key, Value>,
    signal: AbortSignal | undefined,
  ): Promise<Value> {
    batch.story?.joined();
    if (signal !== undefined) return batch.waitFor(identity, entry, signal);
    entry.wanted = Infinity;
    return entry.promise;
  }

  private begin(): Batch<Key, Value> {
    const batch = new Batch<Key, Value>(this.teller.begin());
    const { delayMs } = this.options;
    if (delayMs !== undefined) this.timer = this.clock.setTimer(delayMs, () => this.dispatch(batch, 'delay'));
    else if (!this.awaitsTurnEnd) this.goAtTurnEnd(batch);
    return batch;
  }

  /** One turn's end is awaited at a time: if each batch had its own, those that went full would be held until then. */
  private goAtTurnEnd(batch: Batch<Key, Value>): void {
    this.awaitsTurnEnd = true;
    atTurnEnd(() => {
      this.awaitsTurnEnd = false;
      if (this.open === batch) this.dispatch(batch, 'delay');
      else if (this.open !== undefined) this.goAtTurnEnd(this.open);
    });
  }

  private dispatch(batch: Batch<Key, Value>, reason: BatchReason): void {
    this.open = undefined;
    this.timer?.cancel();
    this.timer = undefined;
    // Everybody who wanted something may have gone.
    if (batch.entries.size === 0) return;
    this.counts.batches++;
    this.counts.keys += batch.entries.size;
    batch.story?.flushed(batch.entries.size, batch.weight, reason);
    this.inFlight.append(batch);
    void batch.go(this.name, this.options.batch).then(() => {
      this.inFlight.remove(batch);
      this.counts.failed += batch.failed;
      batch.story?.ended(batch.failed, batch.failure);
    });
  }
}

/** Of what was thrown and is no Error, which nobody could tell from a value, one that has it as its cause. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('what was thrown is no Error', { cause: thrown });
}
