/**
 * Hashes of keys. The engine keeps a hash in every string but does not tell it, so the table computes its own: two UTF-16
 * units a step, multiply and fold, seeded. That is quick and spreads well, but somebody who chooses keys can find
 * strings that collide whatever the seed. A table that sees such keys goes over to HalfSipHash-2-4 (Aumasson and
 * Bernstein), whose collisions nobody finds without its key, at about three times the price.
 */

/** A hash of `text` for everyday keys; 32 bits. */
export function quickHash(text: string, seed: number): number {
  const units = text.length;
  let hash = seed ^ units;
  let at = 0;
  for (; at + 1 < units; at += 2) {
    hash = Math.imul(hash ^ (text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  if (at < units) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

/** A hash of `text` that holds against chosen keys; 32 bits. */
export function keyedHash(text: string, keyLow: number, keyHigh: number): number {
  const state = new Int32Array([keyLow, keyHigh, keyLow ^ 0x6c796765, keyHigh ^ 0x74656462]);
  const units = text.length;
  for (let at = 0; at < units; at += 2) {
    const next = at + 1 < units ? text.charCodeAt(at + 1) : 0;
    absorb(state, text.charCodeAt(at) | (next << 16));
  }
  absorb(state, units);
  state[2]! ^= 0xff;
  for (let round = 0; round < 4; round++) mix(state);
  return state[1]! ^ state[3]!;
}

function absorb(state: Int32Array, word: number): void {
  state[3]! ^= word;
  mix(state);
  mix(state);
  state[0]! ^= word;
}

const rotated = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

function mix(state: Int32Array): void {
  let [v0, v1, v2, v3] = state as unknown as [number, number, number, number];
  v0 = (v0 + v1) | 0;
  v1 = rotated(v1, 5) ^ v0;
  v0 = rotated(v0, 16);
  v2 = (v2 + v3) | 0;
  v3 = rotated(v3, 8) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = rotated(v3, 7) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = rotated(v1, 13) ^ v2;
  v2 = rotated(v2, 16);
  state[0] = v0;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}
