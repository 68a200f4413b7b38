/**
 * What a shared limiter keeps its counts in. All operations are atomic: over all limits of a question or over none. A
 * store keeps no time of the caller's: every duration that goes in or comes out is relative to its own now.
 */
import type { ResolvedLimit } from '../limit-options.ts';

/** Where the counts of a shared limiter come from: what `redisLimits(…)` makes. */
export interface LimitStoreSource {
  /** Makes the store of one limiter. */
  open(namespace: string): LimitStore;
}

/** One limit of a question. */
export interface AskedLimit {
  /** Its numbers, as this process has them. */
  readonly numbers: ResolvedLimit;
  /** What it counts by; undefined for one budget for all. */
  readonly key: string | undefined;
  readonly cost: number;
}

/** Whom and what a question is about. */
export interface LimitQuestion {
  /** What all keys of the question have in common: on a cluster they lie together by it. */
  readonly contest: string | undefined;
  /** The whole key of the request: whose bans count. */
  readonly key: string | undefined;
  readonly limits: readonly AskedLimit[];
}

/** How one limit stands after a question. */
export interface LimitReading {
  /** After how many milliseconds the cost fits: 0 now, Infinity never. */
  readonly waitMs: number;
  /** How much fits now. */
  readonly remaining: number;
  /** In how many milliseconds it is fresh. */
  readonly resetMs: number;
  /** What was taken. */
  readonly granted: number;
}

/** What refuses whatever the limits say, and for how long. */
export interface LimitHold {
  readonly cause: 'ban' | 'pause';
  readonly leftMs: number;
}

/** What a store says: a reading for each limit, or what holds the key back. */
export type LimitAnswer =
  | { readonly hold: LimitHold }
  | { readonly hold: undefined; readonly readings: readonly LimitReading[] };

/** What a reservation is asked for with. */
export interface StoreReservation {
  /** What it is called by afterwards. */
  readonly id: string;
  readonly maxWaitMs: number;
  /** How long after its time it may be given back, in milliseconds. */
  readonly expiresMs: number;
  /** How many may be held of one key. */
  readonly maxHeld: number;
}

/** Whether a reservation was made, and when its time is. */
export type StoreReserved =
  | {
      readonly hold: LimitHold | undefined;
      /** Whether as many are held as may be. */
      readonly full: boolean;
      /** In how many milliseconds one of those ends by itself, where the store knows. */
      readonly roomAfterMs?: number;
      readonly delayMs: undefined;
    }
  | {
      readonly hold: undefined;
      readonly full: false;
      /** In how many milliseconds its time is, or would be: Infinity for never. It was made where that is at most `maxWaitMs`. */
      readonly delayMs: number;
      /** Which limit it has to wait for. */
      readonly slowest: number;
      readonly readings: readonly LimitReading[];
    };

/** The counts of one limiter. Every operation may reject: then nothing is known. */
export interface LimitStore {
  /** `redis`. */
  readonly name: string;
  /** Whether the costs fit; takes them if `commit` says so. */
  decide(question: LimitQuestion, commit: boolean): Promise<LimitAnswer>;
  /** Takes the costs if they fit, and beyond them up to `wanted` of each limit as far as that fits. */
  lease(question: LimitQuestion, wanted: readonly number[]): Promise<LimitAnswer>;
  /** Takes the costs whether they fit or not. */
  charge(question: LimitQuestion): Promise<unknown>;
  /** Sees to it that no more is left than the costs say; a cost below 0 leaves its limit alone. */
  lower(question: LimitQuestion): Promise<unknown>;
  /** Takes the costs off what was taken. */
  forgive(question: LimitQuestion): Promise<unknown>;
  /** Forgets what was taken and what holds the key back; what is reserved stays so. */
  forget(question: LimitQuestion): Promise<unknown>;
  /** Refuses a key, or a whole contest, for `durationMs`. */
  hold(question: LimitQuestion, cause: LimitHold['cause'], durationMs: number): Promise<unknown>;
  /** Makes a reservation at the first moment at which the costs fit. */
  reserve(question: LimitQuestion, reservation: StoreReservation): Promise<StoreReserved>;
  /** Gives a reservation back; whether it was still held. */
  cancel(question: LimitQuestion, id: string): Promise<boolean>;
  /** Says that a reservation was used; whether it was still held. */
  commit(question: LimitQuestion, id: string): Promise<boolean>;
  /** The same, with the costs that it really had. */
  settle(question: LimitQuestion, id: string): Promise<boolean>;
  /** Moves a reservation by at least `byMs`: in how many milliseconds its time is then; undefined when it is not held. */
  move(question: LimitQuestion, id: string, byMs: number): Promise<number | undefined>;
  /** Keeps what a process says about the numbers of a limit. */
  tellNumbers(limitName: string, text: string): Promise<unknown>;
  /** What was said last about the numbers of a limit; undefined when nothing was. */
  numbers(limitName: string): Promise<string | undefined>;
  /** Resolves when the store takes writings. */
  ping(): Promise<unknown>;
}
