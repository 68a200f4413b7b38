import { IntrusiveList, ListNode } from '../structures/intrusive-list.ts';

/** How far a run has come: enough to begin another one where this one ended. */
export interface Checkpoint {
  /** How many items have been read from the source: those with an index below this. */
  readonly read: number;
  /**
   * The indexes below `read` that are not done, in ascending order: mapped again by whoever resumes. Never more than
   * `concurrency` plus `readAhead` plus what was being asked for.
   */
  readonly open: readonly number[];
  /** How many items are done: `read` less those that are open. */
  readonly done: number;
  /** How many of those that are done have failed; with `onError: 'collect'` only. */
  readonly failed: number;
}

/** When and where to write down how far a run has come. */
export interface CheckpointOptions {
  /** After how many items that are newly done: an integer of at least 1; default 100. */
  readonly every?: number | undefined;
  /**
   * Writes a checkpoint down. Never called while an earlier call has not ended; called once more when the run ends,
   * however it ends, and awaited then. When it fails the run ends with that error: what can't be resumed must not go on
   * as if it could.
   */
  readonly save: (checkpoint: Checkpoint) => void | PromiseLike<void>;
}

/** The checkpoints that are made where nothing else is said. */
const defaultCheckpointEvery = 100;

/** An item that is not done. */
export class OpenItem extends ListNode {
  readonly index: number;

  constructor(index: number) {
    super();
    this.index = index;
  }
}

/** Keeps account of what is done, and has it written down. */
export class CheckpointKeeper {
  private readonly every: number;
  private readonly save: CheckpointOptions['save'];
  private readonly failedToSave: (error: unknown) => void;
  private readonly openItems: IntrusiveList<OpenItem> = new IntrusiveList();
  /** Handed out to a reader that has not come back yet: what it has not finished with is not done. */
  private handed: OpenItem[] = [];
  private read = 0;
  private done = 0;
  private failed = 0;
  private savedDone = 0;
  private saving: Promise<void> | undefined = undefined;

  constructor(options: CheckpointOptions, failedToSave: (error: unknown) => void) {
    this.every = options.every ?? defaultCheckpointEvery;
    this.save = options.save;
    this.failedToSave = failedToSave;
  }

  /** An item was read. */
  begin(index: number): OpenItem {
    const item = new OpenItem(index);
    this.openItems.append(item);
    this.read = index + 1;
    return item;
  }

  /** The mapper of an item failed, and the run goes on. */
  itemFailed(item: OpenItem): void {
    this.failed++;
    this.itemDone(item);
    this.saveWhenDue();
  }

  /** The result of an item went to the reader. */
  handedOut(item: OpenItem): void {
    this.handed.push(item);
  }

  /** The reader came back: it is done with what it had. */
  readerReturned(): void {
    if (this.handed.length === 0) return;
    for (const item of this.handed) this.itemDone(item);
    this.handed = [];
    this.saveWhenDue();
  }

  /** The run has ended: writes down the last state, after what is being written. Rejects with what `save` throws. */
  async close(): Promise<void> {
    while (this.saving !== undefined) await this.saving;
    if (this.done > this.savedDone) await this.save(this.checkpoint());
  }

  private itemDone(item: OpenItem): void {
    this.openItems.remove(item);
    this.done++;
  }

  private saveWhenDue(): void {
    if (this.saving !== undefined || this.done - this.savedDone < this.every) return;
    this.saving = this.saveNow().then(() => {
      this.saving = undefined;
      this.saveWhenDue();
    });
  }

  private async saveNow(): Promise<void> {
    const checkpoint = this.checkpoint();
    try {
      await this.save(checkpoint);
      this.savedDone = checkpoint.done;
    } catch (error) {
      // No second attempt at the end: the run ends with this one's error.
      this.savedDone = Infinity;
      this.failedToSave(error);
    }
  }

  private checkpoint(): Checkpoint {
    const open = Array.from(this.openItems, ({ index }) => index);
    return { read: this.read, open, done: this.done, failed: this.failed };
  }
}
