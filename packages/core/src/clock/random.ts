/** A source of random numbers. */
export interface Random {
  /** The next number, uniform in [0, 1). */
  next(): number;
}

/** The platform's generator; not for secrets. */
export const systemRandom: Random = Object.freeze({ next: () => Math.random() });

/**
 * A generator whose sequence depends on `seed` alone, equal on every platform: sfc32 (Chris Doty-Humphrey's
 * PractRand), its state filled by splitmix32, the first 12 outputs discarded.
 *
 * @param seed Any integer; it is taken modulo 2^32.
 */
export function seededRandom(seed: number): Random {
  let mix = seed | 0;
  const fill = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix ^ (mix >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let a = fill();
  let b = fill();
  let c = fill();
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let round = 0; round < 12; round++) next();
  return Object.freeze({ next });
}
