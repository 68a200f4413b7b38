import type { Clock } from '../clock/clock.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import type { BatchReason, BatchWatch, BatchWatcher, DepartingBatch } from '../policy/batch-watcher.ts';
import type { Failure } from '../policy/outcome.ts';
import type { BatcherEvents } from './batch-events.ts';

/** Tells what becomes of the batches of one batcher, to those who want to know. */
export class BatchTeller {
  readonly clock: Clock;
  readonly channel: OwnerChannel<BatcherEvents>;
  private readonly watchers: Set<BatchWatcher> = new Set();

  constructor(name: string, clock: Clock) {
    this.clock = clock;
    this.channel = new OwnerChannel(name, () => clock);
  }

  watch(watcher: BatchWatcher): () => void {
    // One of its own for each call: one who watches twice ends twice.
    const own: BatchWatcher = () => watcher();
    this.watchers.add(own);
    return () => void this.watchers.delete(own);
  }

  /** The story of a batch that begins now; undefined when nobody wants to hear it. */
  begin(): BatchStory | undefined {
    if (!this.channel.isHeard && this.watchers.size === 0) return undefined;
    return new BatchStory(
      this,
      Array.from(this.watchers, (watcher) => watcher()),
    );
  }
}

/** What is told of one batch from its first key to its last result. */
export class BatchStory {
  private readonly teller: BatchTeller;
  private readonly watches: readonly BatchWatch[];
  private readonly beganAt: number;
  private wentAt = 0;
  private departing: DepartingBatch | undefined = undefined;

  constructor(teller: BatchTeller, watches: readonly BatchWatch[]) {
    this.teller = teller;
    this.watches = watches;
    this.beganAt = teller.clock.now();
  }

  joined(): void {
    for (const watch of this.watches) watch.joined();
  }

  /** The batch goes now. */
  flushed(size: number, weight: number, reason: BatchReason): void {
    this.wentAt = this.teller.clock.now();
    this.departing = { size, weight, reason, waitedMs: this.wentAt - this.beganAt };
    this.teller.channel.tell('batch-flushed', this.departing);
  }

  /** Calls the batch function within all that watch. */
  run<R>(fn: () => R): R {
    let run = fn;
    for (const watch of this.watches) {
      const inner = run;
      run = () => watch.run(this.departing!, inner);
    }
    return run();
  }

  ended(failed: number, failure: Failure | undefined): void {
    for (const watch of this.watches) watch.ended(failed, failure);
    const { channel, clock } = this.teller;
    if (!channel.wants('batch-ended')) return;
    const durationMs = clock.now() - this.wentAt;
    const outcome = failure === undefined ? 'success' : 'failure';
    channel.tell('batch-ended', { ...this.departing!, durationMs, failed, outcome, error: failure?.error });
  }
}
