/**
 * S3-FIFO (Yang, Zhang, Qiu, Yue and Rashmi, SOSP 2023): three queues, and a hit only counts.
 *
 * A new key enters the small queue, a tenth of the store. Most keys are never used again; they fall out of there soon
 * and leave a trace in the ghost table. A key that was used meanwhile, or comes back while its trace is there, goes to
 * the main queue. What reaches the head of the main queue goes round once more for each use since, three at most.
 *
 * So a scan passes through the small queue and leaves the main one alone, and a hit costs an increment instead of the
 * relinking of a list.
 */
import type { Eviction, EvictionPolicy, EvictionSetting } from './eviction.ts';
import { GhostTable } from './ghost-table.ts';
import { SlotLists } from './slot-lists.ts';

const SMALL = 0;
const MAIN = 1;
const SMALL_RATIO = 0.1;
const MOST_USES = 3;
/** A bit beside the count of uses: the slot is in the main queue. */
const IN_MAIN = 4;

class S3Fifo implements Eviction {
  private readonly queues: SlotLists = new SlotLists(2);
  private readonly ghosts: GhostTable = new GhostTable();
  private readonly hashOf: (slot: number) => number;
  private marks: Uint8Array = new Uint8Array(0);
  private small = 0;
  private main = 0;

  constructor(setting: EvictionSetting) {
    this.hashOf = setting.hashOf;
  }

  grow(capacity: number): void {
    const { marks } = this;
    this.marks = new Uint8Array(capacity);
    this.marks.set(marks);
    this.queues.grow(capacity);
    // Nothing has been evicted while the store still grows, unless it is bounded by bytes.
    this.ghosts.resize(capacity);
  }

  missed(): void {
    // Only what leaves is remembered.
  }

  used(slot: number): void {
    const mark = this.marks[slot]!;
    if ((mark & MOST_USES) !== MOST_USES) this.marks[slot] = mark + 1;
  }

  admitted(slot: number, hash: number): void {
    if (this.ghosts.take(hash)) this.enterMain(slot);
    else {
      this.marks[slot] = 0;
      this.queues.append(SMALL, slot);
      this.small++;
    }
  }

  removed(slot: number): void {
    this.queues.remove(slot);
    if ((this.marks[slot]! & IN_MAIN) !== 0) this.main--;
    else this.small--;
  }

  victim(): number {
    for (;;) {
      const slot = this.fromSmall() ? this.leaveSmall() : this.leaveMain();
      if (slot >= 0) return slot;
    }
  }

  clear(): void {
    this.queues.clear();
    this.ghosts.clear();
    this.small = 0;
    this.main = 0;
  }

  private fromSmall(): boolean {
    return this.main === 0 || (this.small > 0 && this.small >= SMALL_RATIO * (this.small + this.main));
  }

  private enterMain(slot: number): void {
    this.marks[slot] = IN_MAIN;
    this.queues.append(MAIN, slot);
    this.main++;
  }

  /** The head of the small queue, unless it has been used: then it goes to the main one, and -1. */
  private leaveSmall(): number {
    const slot = this.queues.first(SMALL);
    this.queues.remove(slot);
    this.small--;
    if (this.marks[slot]! > 0) {
      this.enterMain(slot);
      return -1;
    }
    this.ghosts.add(this.hashOf(slot));
    return slot;
  }

  private leaveMain(): number {
    const slot = this.queues.first(MAIN);
    if (this.marks[slot]! > IN_MAIN) {
      this.marks[slot]!--;
      this.queues.move(MAIN, slot);
      return -1;
    }
    this.queues.remove(slot);
    this.main--;
    return slot;
  }
}

/** The default: hits cost next to nothing, scans leave the popular alone, and hit rates are above LRU's on most traffic. */
export const s3Fifo: EvictionPolicy = Object.freeze({
  name: 's3-fifo',
  create: (setting: EvictionSetting) => new S3Fifo(setting),
});
