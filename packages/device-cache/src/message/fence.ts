import type { Reading } from '@breakwater/device-client/contract';

/**
 * What orders the readings of one index: the later timestamp wins, and at equal timestamps the higher offset. A reading
 * that is not above what is there is never written, so a redelivered or late message changes nothing.
 */
export interface Fence {
  /** In whole microseconds since 1970. */
  readonly timestampUs: number;
  /** The offset in the topic; below 0 for what came another way. */
  readonly offset: number;
}

/** The offset of a reading that came by HTTP: at equal timestamps whatever Kafka has is newer. */
export const HTTP_OFFSET = -1;

/** The offset of the line `line`, counted from 0, of a file that seeds: later lines win, and everything else wins over them. */
export const seedOffset = (line: number): number => line - 2 ** 52;

/** A reading with its place in the order. */
export interface FencedReading extends Fence {
  readonly reading: Reading;
}

/** Above 0 where `a` is newer than `b`. */
export function compareFences(a: Fence, b: Fence): number {
  return a.timestampUs - b.timestampUs || a.offset - b.offset;
}
