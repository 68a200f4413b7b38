import { seededRandom, type Random } from 'breakwater/clock';

/**
 * What goes wrong with a call. A status from 400 to 599 is answered as such; `reset` cuts the connection, `hang` never answers,
 * `half` stops in the middle of the body, `bad-json` sends a 200 whose body doesn't parse.
 */
export type Fault = `${number}` | 'reset' | 'hang' | 'half' | 'bad-json';

/** The share of calls that meet each fault, 0 to 1; all together at most 1. */
export type FaultRatios = Readonly<Partial<Record<Fault, number>>>;

const NAMED = ['reset', 'hang', 'half', 'bad-json'];

/** `500=0.05,reset=0.01`; percentages (`500=5%`) are taken too. */
export function parseFaults(text: string): FaultRatios {
  const ratios: Partial<Record<Fault, number>> = {};
  for (const part of text.split(',')) {
    const [name = '', value = ''] = part.split('=').map((piece) => piece.trim());
    const ratio = value.endsWith('%') ? Number(value.slice(0, -1)) / 100 : Number(value);
    if (!isFault(name) || value === '')
      throw new Error(`expected a fault such as 500=0.05 or reset=0.01, got "${part}"`);
    ratios[name] = ratio;
  }
  checkFaults(ratios);
  return ratios;
}

export function checkFaults(ratios: FaultRatios): void {
  let sum = 0;
  for (const [name, ratio = 0] of Object.entries(ratios)) {
    if (!isFault(name))
      throw new Error(`unknown fault "${name}": expected a status of 400 to 599, ${NAMED.join(', ')}`);
    if (!(ratio >= 0 && ratio <= 1)) throw new Error(`the share of ${name} must be 0 to 1`);
    sum += ratio;
  }
  // Ratios written in decimals may add up to a hair more than one.
  if (sum > 1 + 1e-9) throw new Error(`the shares of faults add up to ${sum}, more than 1`);
}

function isFault(name: string): name is Fault {
  return NAMED.includes(name) || /^[45]\d\d$/.test(name);
}

/** The fault that a roll of [0, 1) falls upon, or undefined for a call that goes well. */
export function pickFault(ratios: FaultRatios, roll: number): Fault | undefined {
  let above = 0;
  for (const name in ratios) {
    above += ratios[name as Fault] ?? 0;
    if (roll < above) return name as Fault;
  }
  return undefined;
}

/**
 * The dice of one attempt. They hang on seed, key and attempt number alone, never on the order of arrival, so that two runs over the same
 * rows meet the same failures however their calls interleave.
 */
export function diceOf(seed: number, key: string, attempt: number): Random {
  return seededRandom(mix(fnv1a(key, mix(seed)) + attempt));
}

/** FNV-1a, 32 bits, over UTF-16 units: cheap, and good enough after `mix`. */
export function fnv1a(text: string, basis: number = 0x811c9dc5): number {
  let hash = basis >>> 0;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The finaliser of MurmurHash3: neighbouring numbers come out unrelated. */
function mix(value: number): number {
  let hash = (value ^ 0x9e3779b9) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
