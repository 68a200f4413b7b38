/**
 * A map from strings to slots that grows without a pause. A Map of a million strings is moved as a whole when it grows,
 * which takes tens of milliseconds; this one is made of many small Maps, and a small one that is full is split in two
 * while the others stay (extendible hashing: Fagin, Nievergelt, Pippenger and Strong, TODS 1979).
 *
 * Which part a key belongs to is told by the last bits of a hash of ours. As long as there is one part, which is up to
 * two thousand keys, nothing is hashed but by the Map itself.
 */

const LARGEST_PART = 2_048;
/** Keys made so that their hashes agree fill one part, which then grows like any Map. */
const DEEPEST = 14;
/** Of longer keys the beginning and the end are hashed: a part is only ever too full, never wrong. */
const HASHED_AT_EACH_END = 32;

interface Part {
  slots: Map<string, number>;
  /** How many bits of the hash its keys have in common. */
  readonly depth: number;
}

export class KeyMap {
  private parts: Part[] = [{ slots: new Map(), depth: 0 }];
  /** The slots of the only part, while there is but one. */
  private only: Map<string, number> | undefined = this.parts[0]!.slots;
  private mask = 0;
  private depth = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(key: string): number | undefined {
    if (this.only !== undefined) return this.only.get(key);
    return this.parts[hashOf(key) & this.mask]!.slots.get(key);
  }

  /** Adds a key that is not there. */
  add(key: string, slot: number): void {
    const hash = this.mask === 0 ? 0 : hashOf(key);
    const part = this.parts[hash & this.mask]!;
    part.slots.set(key, slot);
    this.count++;
    if (part.slots.size > LARGEST_PART && part.depth < DEEPEST) this.split(part, hash);
  }

  delete(key: string): void {
    const part = this.parts[this.mask === 0 ? 0 : hashOf(key) & this.mask]!;
    if (part.slots.delete(key)) this.count--;
  }

  private split(part: Part, hash: number): void {
    if (part.depth === this.depth) {
      this.parts = [...this.parts, ...this.parts];
      this.depth++;
      this.mask = this.parts.length - 1;
    }
    this.only = undefined;
    const bit = 1 << part.depth;
    const halves = [0, 1].map((): Part => ({ slots: new Map(), depth: part.depth + 1 }));
    for (const [key, slot] of part.slots) halves[(hashOf(key) & bit) === 0 ? 0 : 1]!.slots.set(key, slot);
    for (let at = hash & (bit - 1); at < this.parts.length; at += bit)
      this.parts[at] = halves[(at & bit) === 0 ? 0 : 1]!;
  }
}

/** FNV-1a over UTF-16 units, its high bits folded into the low ones. */
function hashOf(key: string): number {
  const { length } = key;
  let hash = 0x811c9dc5 ^ length;
  const firstEnd = Math.min(length, HASHED_AT_EACH_END);
  for (let at = 0; at < firstEnd; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  const secondStart = Math.max(firstEnd, length - HASHED_AT_EACH_END);
  for (let at = secondStart; at < length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash ^ (hash >>> 15);
}
