/**
 * The policies of a keyed policy, by key, in a bounded number.
 *
 * A slot in which a call runs stands in the map alone. The others stand in a list besides, by when they were last used:
 * the longest unused come first, and go first, without a timer: each call looks at the first two of the list, and drops
 * them when they have been idle for too long. When a new key comes and all places are taken, the longest unused goes.
 *
 * A policy that says it is busy (an open circuit) counts as used whenever it is looked at, and so goes to the end of the
 * list. So a flood of fresh keys drives out its own kind. When none of the first thousand may go, the new key must not
 * come: that many are in use.
 */
import { IntrusiveList, ListNode } from '../structures/intrusive-list.ts';
import type { HookPolicy } from '../policy/policy.ts';

/** A key with its policy. */
export class KeySlot<P> extends ListNode {
  readonly key: string;
  /** As it was made. */
  readonly policy: P;
  /** As the walk uses it. */
  readonly hooks: HookPolicy;
  /** How many calls are inside. */
  running = 0;
  /** When it was last used. */
  usedAt = 0;

  constructor(key: string, policy: P, hooks: HookPolicy) {
    super();
    this.key = key;
    this.policy = policy;
    this.hooks = hooks;
  }
}

/** Why a slot goes. */
export type EvictionReason = 'idle' | 'full';

const SWEPT_PER_CALL = 2;
const LOOKED_AT_MOST = 1_024;

export class KeyTable<P extends { readonly isBusy?: boolean }> {
  private readonly maxKeys: number;
  private readonly idleMs: number;
  private readonly evicted: (slot: KeySlot<P>, reason: EvictionReason) => void;
  private readonly slots: Map<string, KeySlot<P>> = new Map();
  private readonly unused: IntrusiveList<KeySlot<P>> = new IntrusiveList();

  /** @param evicted Told of each slot that goes. */
  constructor(maxKeys: number, idleMs: number, evicted: (slot: KeySlot<P>, reason: EvictionReason) => void) {
    this.maxKeys = maxKeys;
    this.idleMs = idleMs;
    this.evicted = evicted;
  }

  get size(): number {
    return this.slots.size;
  }

  get(key: string): KeySlot<P> | undefined {
    return this.slots.get(key);
  }

  values(): IterableIterator<KeySlot<P>> {
    return this.slots.values();
  }

  /** The longest unused first, those in use last. */
  *byUse(): IterableIterator<KeySlot<P>> {
    yield* this.unused;
    for (const slot of this.slots.values()) if (slot.running > 0) yield slot;
  }

  /** Drops of the longest unused those that have been idle for too long, or are too many since they were taken over. */
  sweep(now: number): void {
    for (let looked = 0; looked < SWEPT_PER_CALL; looked++) {
      const slot = this.unused.first;
      const tooMany = this.slots.size > this.maxKeys;
      if (slot === undefined || (!tooMany && slot.usedAt + this.idleMs > now)) return;
      this.dropUnlessBusy(slot, now, tooMany ? 'full' : 'idle');
    }
  }

  /** Makes sure that there is room for another key; false when all that are here are in use. */
  makeRoom(now: number): boolean {
    for (let looked = 0; this.slots.size >= this.maxKeys; looked++) {
      const slot = this.unused.first;
      if (slot === undefined || looked >= LOOKED_AT_MOST) return false;
      this.dropUnlessBusy(slot, now, 'full');
    }
    return true;
  }

  /** Puts in a slot whose key is not here, and for which there is room. */
  add(slot: KeySlot<P>): void {
    this.slots.set(slot.key, slot);
  }

  /** Puts in a slot of a key that was last used then, later than those that are here, also where there is no room. */
  takeOver(slot: KeySlot<P>, usedAt: number): void {
    this.slots.set(slot.key, slot);
    this.markUnused(slot, usedAt);
  }

  /** A call goes in. */
  begin(slot: KeySlot<P>): void {
    if (slot.running++ === 0) this.unused.remove(slot);
  }

  /** A call has come out. */
  end(slot: KeySlot<P>, now: number): void {
    if (--slot.running === 0) this.markUnused(slot, now);
  }

  private dropUnlessBusy(slot: KeySlot<P>, now: number, reason: EvictionReason): void {
    this.unused.remove(slot);
    if (slot.policy.isBusy === true) return this.markUnused(slot, now);
    this.slots.delete(slot.key);
    this.evicted(slot, reason);
  }

  private markUnused(slot: KeySlot<P>, now: number): void {
    slot.usedAt = now;
    this.unused.append(slot);
  }
}
