import type { Eviction, EvictionPolicy } from './eviction.ts';
import { SlotLists } from './slot-lists.ts';

class LeastRecentlyUsed implements Eviction {
  private readonly order: SlotLists = new SlotLists(1);

  grow(capacity: number): void {
    this.order.grow(capacity);
  }

  missed(): void {
    // What is not there has no place in the order.
  }

  used(slot: number): void {
    this.order.move(0, slot);
  }

  admitted(slot: number): void {
    this.order.append(0, slot);
  }

  removed(slot: number): void {
    this.order.remove(slot);
  }

  victim(): number {
    const slot = this.order.first(0);
    this.order.remove(slot);
    return slot;
  }

  clear(): void {
    this.order.clear();
  }
}

/**
 * Whoever was used least recently leaves. Easy to foresee; a scan of many keys that are used once washes everything
 * out, and a loop over one key more than fit never hits.
 */
export const lru: EvictionPolicy = Object.freeze({ name: 'lru', create: () => new LeastRecentlyUsed() });
