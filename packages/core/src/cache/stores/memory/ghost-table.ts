/**
 * Remembers which keys left lately, by 16 bits of their hashes: about 6 bytes a key. Four places a row, and each place
 * says when it was written, in evictions; a row that is full gives up its oldest. That it now and then takes one key for
 * another (once in 16,000 questions) costs nothing but a slightly worse guess.
 */
const PLACES = 4;
const STAMP_BITS = 16;
const STAMP_MASK = 0xffff;
/** A quarter of the stamps span what is remembered, so that an old stamp is not taken for a young one too soon. */
const SPAN = 1 << (STAMP_BITS - 2);

export class GhostTable {
  private places: Uint32Array = new Uint32Array(PLACES);
  private rowMask = 0;
  /** How many keys are remembered. */
  private span = 1;
  /** How many evictions share a stamp. */
  private unit = 1;
  private leftOfUnit = 1;
  private stamp = 0;

  /** Remembers so many keys from now on; what was remembered is forgotten. */
  resize(keys: number): void {
    this.span = keys;
    let rows = 1;
    while (rows * PLACES < keys) rows *= 2;
    this.places = new Uint32Array(rows * PLACES);
    this.rowMask = rows - 1;
    this.unit = Math.max(1, Math.ceil(keys / SPAN));
    this.leftOfUnit = this.unit;
  }

  clear(): void {
    this.places.fill(0);
  }

  /** Remembers the key with this hash. */
  add(hash: number): void {
    if (--this.leftOfUnit === 0) {
      this.leftOfUnit = this.unit;
      this.stamp = (this.stamp + 1) & STAMP_MASK;
    }
    const { places, stamp } = this;
    const row = (hash & this.rowMask) * PLACES;
    let oldest = row;
    let oldestAge = -1;
    for (let place = row; place < row + PLACES; place++) {
      const held = places[place]!;
      if (held === 0) {
        oldest = place;
        break;
      }
      const age = (stamp - held) & STAMP_MASK;
      if (age <= oldestAge) continue;
      oldest = place;
      oldestAge = age;
    }
    places[oldest] = (fingerprint(hash) << STAMP_BITS) | stamp;
  }

  /** Whether the key with this hash left lately; it is forgotten then. */
  take(hash: number): boolean {
    const { places } = this;
    const wanted = fingerprint(hash);
    const row = (hash & this.rowMask) * PLACES;
    for (let place = row; place < row + PLACES; place++) {
      const held = places[place]!;
      if (held >>> STAMP_BITS !== wanted) continue;
      places[place] = 0;
      return ((this.stamp - held) & STAMP_MASK) * this.unit <= this.span;
    }
    return false;
  }
}

/** 16 bits that are not those which choose the row, and never all 0: that is an empty place. */
function fingerprint(hash: number): number {
  return (Math.imul(hash, 0x9e3779b1) >>> 16) | 1;
}
