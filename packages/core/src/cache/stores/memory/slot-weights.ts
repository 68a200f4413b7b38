import { larger } from './slot-arrays.ts';

/** How many bytes the entries of a store take, where bytes are bounded. */
export class SlotWeights<Value> {
  /** How many there may be. */
  readonly maxBytes: number;
  /** How many there are. */
  total = 0;
  private readonly sizeOf: (value: Value, key: string) => number;
  private sizes: Float64Array = new Float64Array(0);

  constructor(maxBytes: number, sizeOf: (value: Value, key: string) => number) {
    this.maxBytes = maxBytes;
    this.sizeOf = sizeOf;
  }

  /** How many bytes an entry would take. */
  weigh(value: Value, key: string): number {
    return this.sizeOf(value, key);
  }

  /** The entry of a slot takes so many bytes now; 0 when it has gone. */
  set(slot: number, bytes: number): void {
    this.total += bytes - this.sizes[slot]!;
    this.sizes[slot] = bytes;
  }

  clear(): void {
    this.sizes.fill(0);
    this.total = 0;
  }

  grow(capacity: number): void {
    this.sizes = larger(this.sizes, capacity);
  }
}
