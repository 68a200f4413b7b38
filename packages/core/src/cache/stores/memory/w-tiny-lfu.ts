/**
 * W-TinyLFU (Einziger, Friedman and Manes, ACM TOS 2017) with a window that climbs (Einziger, Eytan, Friedman and Manes,
 * Middleware 2018).
 *
 * New keys enter a window, least recently used first. Who falls out of it stands against the next victim of the main
 * part, and the one that was asked for more often stays. The main part is itself two lists: on probation, and protected
 * (four fifths), where a key goes when it is used on probation.
 *
 * How large the window should be depends on the traffic: next to nothing where popularity is stable, most of the store
 * where what matters is recency. So every ten times the store's size it is moved a step; the direction is kept while the
 * hit rate improves and turned when it falls, with steps that shrink until the traffic changes.
 */
import type { Eviction, EvictionPolicy, EvictionSetting } from './eviction.ts';
import { FrequencySketch } from './frequency-sketch.ts';
import { SlotLists } from './slot-lists.ts';

const WINDOW = 0;
const PROBATION = 1;
const PROTECTED = 2;
const FIRST_WINDOW_RATIO = 0.01;
const PROTECTED_RATIO = 0.8;
const SAMPLE_PER_ENTRY = 10;
const FIRST_STEP_RATIO = 0.0625;
const STEP_DECAY = 0.98;
/** A hit rate that moves by so much between two samples means other traffic: climb in full steps again. */
const RESTART_CHANGE = 0.05;

class WindowTinyLfu implements Eviction {
  private readonly lists: SlotLists = new SlotLists(3);
  private readonly counts: [number, number, number] = [0, 0, 0];
  private readonly sketch: FrequencySketch = new FrequencySketch();
  private readonly hashOf: (slot: number) => number;
  private listOf: Uint8Array = new Uint8Array(0);
  private windowRatio = FIRST_WINDOW_RATIO;
  private stepRatio = FIRST_STEP_RATIO;
  private hits = 0;
  private misses = 0;
  private lastHitRatio = 0;

  constructor(setting: EvictionSetting) {
    this.hashOf = setting.hashOf;
  }

  grow(capacity: number): void {
    const { listOf } = this;
    this.listOf = new Uint8Array(capacity);
    this.listOf.set(listOf);
    this.lists.grow(capacity);
    this.sketch.resize(capacity);
  }

  missed(hash: number): void {
    this.misses++;
    this.sketch.count(hash);
  }

  used(slot: number, hash: number): void {
    this.hits++;
    this.sketch.count(hash);
    const list = this.listOf[slot]!;
    if (list !== PROBATION) this.lists.move(list, slot);
    else this.protect(slot);
  }

  admitted(slot: number): void {
    this.enter(WINDOW, slot);
    if (this.hits + this.misses >= SAMPLE_PER_ENTRY * this.size) this.climb();
    while (this.counts[WINDOW] > this.windowSize) this.transfer(this.lists.first(WINDOW), PROBATION);
  }

  removed(slot: number): void {
    this.leave(slot);
  }

  victim(): number {
    const victim = this.mainVictim();
    if (this.counts[WINDOW] === 0) return this.leave(victim);
    const candidate = this.lists.first(WINDOW);
    if (victim < 0) return this.leave(candidate);
    if (this.counts[WINDOW] < this.windowSize) return this.leave(victim);
    if (this.sketch.frequency(this.hashOf(candidate)) <= this.sketch.frequency(this.hashOf(victim)))
      return this.leave(candidate);
    this.transfer(candidate, PROBATION);
    return this.leave(victim);
  }

  clear(): void {
    this.lists.clear();
    this.counts.fill(0);
    this.sketch.clear();
  }

  private get size(): number {
    return this.counts[WINDOW] + this.counts[PROBATION] + this.counts[PROTECTED];
  }

  private get windowSize(): number {
    return Math.max(1, Math.floor(this.windowRatio * this.size));
  }

  private mainVictim(): number {
    return this.lists.first(this.counts[PROBATION] > 0 ? PROBATION : PROTECTED);
  }

  private protect(slot: number): void {
    this.transfer(slot, PROTECTED);
    const most = PROTECTED_RATIO * (this.counts[PROBATION] + this.counts[PROTECTED]);
    while (this.counts[PROTECTED] > most) this.transfer(this.lists.first(PROTECTED), PROBATION);
  }

  private enter(list: number, slot: number): void {
    this.listOf[slot] = list;
    this.lists.append(list, slot);
    this.counts[list]!++;
  }

  private leave(slot: number): number {
    this.lists.remove(slot);
    this.counts[this.listOf[slot]!]!--;
    return slot;
  }

  private transfer(slot: number, list: number): void {
    this.enter(list, this.leave(slot));
  }

  private climb(): void {
    const hitRatio = this.hits / (this.hits + this.misses);
    const change = hitRatio - this.lastHitRatio;
    const direction = change >= 0 ? 1 : -1;
    const magnitude = Math.abs(change) >= RESTART_CHANGE ? FIRST_STEP_RATIO : Math.abs(this.stepRatio) * STEP_DECAY;
    this.stepRatio = Math.sign(this.stepRatio) * direction * magnitude;
    this.windowRatio = Math.min(0.8, Math.max(FIRST_WINDOW_RATIO, this.windowRatio + this.stepRatio));
    this.lastHitRatio = hitRatio;
    this.hits = 0;
    this.misses = 0;
    // A window that grows takes from probation what would have been next to leave.
    while (this.counts[WINDOW] < this.windowSize && this.counts[PROBATION] > 0)
      this.transfer(this.lists.first(PROBATION), WINDOW);
  }
}

/** The best hit rates on most traffic, for a few dozen nanoseconds more on each question. */
export const wTinyLfu: EvictionPolicy = Object.freeze({
  name: 'w-tinylfu',
  create: (setting: EvictionSetting) => new WindowTinyLfu(setting),
});
