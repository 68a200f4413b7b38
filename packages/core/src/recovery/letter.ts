import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { ErrorCatalog } from '../errors/catalog.ts';
import type { ErrorLogEntry } from '../errors/error-output.ts';
import type { Redactor } from '../errors/redactor.ts';
import type { EventSource, HookFailedEvent } from '../events/event.ts';
import { count, implementing, integer, oneOf, type Rules } from '../options/rules.ts';
import { policyOptionRules } from '../policy/policy-base.ts';
import type { Skipped } from './strategies.ts';

/** An item that failed for good, with what is known of that. */
export interface DeadLetter<Item = unknown> {
  /** Unlike that of any other letter. */
  readonly id: string;
  /** What failed, as JSON gives it back. */
  readonly item: Item;
  /** What tells the item apart for a reader: an id, a line number. */
  readonly key?: string | undefined;
  /** How many times it was tried. */
  readonly attempts: number;
  /** What it failed with last, redacted. */
  readonly error: ErrorLogEntry;
  /** When it failed last: ISO 8601, in UTC. */
  readonly at: string;
}

/** What is known of an item that failed, besides its error. */
export interface LetterFacts {
  readonly key?: string | undefined;
  /** How many times it was tried: an integer of at least 1; default 1. */
  readonly attempts?: number | undefined;
  /** Whatever else helps to understand it; redacted before it is kept. */
  readonly context?: unknown;
}

/** Where dead letters are kept, a line of text each: a file, or a port of your own. One sink has it at a time. */
export interface LetterStore {
  /** All lines that are there, in their order; called once, first. */
  load(): Promise<readonly string[]>;
  /** Adds lines; they are safe when this resolves. */
  append(lines: readonly string[]): Promise<void>;
  /** Puts these lines in place of all that are there: all or nothing. */
  replace(lines: readonly string[]): Promise<void>;
  /** Lets go of what it holds. */
  close(): Promise<void>;
}

/** Options of {@link deadLetters}. */
export interface DeadLettersOptions {
  /** Their name in errors and events; default `dead-letters`. */
  readonly name?: string | undefined;
  /** Where they take the time from; default: the system. */
  readonly clock?: Clock | undefined;
  /** Where they take random numbers from, for ids; default: the system. */
  readonly random?: Random | undefined;
  /** Where they are kept, such as `letterFile({ path })`; default: in memory only. */
  readonly store?: LetterStore | undefined;
  /** How many there are at most, lines that can't be read not counted: at least 1; default 10,000. */
  readonly maxLetters?: number | undefined;
  /** How many characters they take together at most: at least 1; default 16,777,216. They are held in memory too. */
  readonly maxCharacters?: number | undefined;
  /** What becomes of a letter for which there is no room: it is refused (default), or the oldest make room. */
  readonly onFull?: 'refuse' | 'drop-oldest' | undefined;
  /** The application's own errors; default: the library's alone. */
  readonly catalog?: ErrorCatalog | undefined;
  /** Takes out of errors what is secret; default: what is always taken out. Items are kept as they are. */
  readonly redactor?: Redactor | undefined;
}

/** The defaults of dead letters. */
export const deadLettersDefaults: {
  readonly name: string;
  readonly maxLetters: number;
  readonly maxCharacters: number;
  readonly onFull: 'refuse';
} = Object.freeze({ name: 'dead-letters', maxLetters: 10_000, maxCharacters: 16_777_216, onFull: 'refuse' });

export const deadLettersRules: Rules<DeadLettersOptions> = Object.freeze({
  name: policyOptionRules.name,
  clock: policyOptionRules.clock,
  random: policyOptionRules.random,
  store: implementing<LetterStore>('a store of letters', 'load', 'append', 'replace', 'close'),
  maxLetters: integer(1),
  maxCharacters: integer(1),
  onFull: oneOf('refuse', 'drop-oldest'),
  catalog: implementing<ErrorCatalog>('an error catalog', 'classify'),
  redactor: implementing<Redactor>('a redactor', 'text', 'value'),
});

/** What the function of a {@link DeadLetters.rerun} is told beside the item. */
export interface RerunContext {
  /** Aborted with the signal of the rerun. */
  readonly signal: AbortSignal | undefined;
  readonly letter: DeadLetter;
}

/** Options of {@link DeadLetters.rerun}. */
export interface RerunOptions {
  /** How many letters are tried at most, the oldest first: at least 1, or Infinity; default 100. */
  readonly limit?: number | undefined;
  /** How many at once: at least 1; default 1. */
  readonly concurrency?: number | undefined;
  /** Letters that were tried as many times are left alone: at least 1; default Infinity: none. */
  readonly maxAttempts?: number | undefined;
  /** Begins no further letter when aborted, and is passed on; those that run are awaited. */
  readonly signal?: AbortSignal | undefined;
}

export const rerunDefaults: { readonly limit: number; readonly concurrency: number; readonly maxAttempts: number } =
  Object.freeze({ limit: 100, concurrency: 1, maxAttempts: Infinity });
export const rerunRules: Rules<RerunOptions> = Object.freeze({
  limit: count(1),
  concurrency: integer(1),
  maxAttempts: count(1),
  signal: implementing<AbortSignal>('an AbortSignal', 'addEventListener', 'removeEventListener'),
});

/** What came of a rerun. */
export interface RerunReport {
  /** How many letters were tried. */
  readonly tried: number;
  /** How many went well, and are letters no more. */
  readonly succeeded: number;
  /** How many failed again; they stand last in the line now. */
  readonly failed: number;
  /** How many letters are there now. */
  readonly left: number;
  /** How many of those have been tried `maxAttempts` times. */
  readonly exhausted: number;
  /** The failures by category. */
  readonly byCategory: Readonly<Record<string, number>>;
  /** The letters that failed again, at most 100 of them. */
  readonly failures: readonly DeadLetter[];
}

/** A letter was written down. */
export interface DeadLetterEvent {
  readonly id: string;
  readonly error: unknown;
  readonly outcome: 'failure';
}

/** An item failed and could not be written down, or had to make room: nobody will try it again. */
export interface DeadLetterLostEvent {
  /** Why: no room, a disk that fails, an item that is no JSON. */
  readonly error: unknown;
  readonly outcome: 'failure';
}

/** A rerun has ended. */
export interface DeadLettersRerunEvent {
  readonly tried: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly left: number;
  readonly durationMs: number;
}

/** The events of dead letters. */
export interface DeadLettersEvents {
  'dead-letter': DeadLetterEvent;
  'dead-letter-lost': DeadLetterLostEvent;
  'dead-letters-rerun': DeadLettersRerunEvent;
  'hook-failed': HookFailedEvent;
}

/** What dead letters have done, and how they stand. */
export interface DeadLettersStatistics {
  readonly letters: number;
  readonly characters: number;
  readonly added: number;
  /** How many made room for others. */
  readonly dropped: number;
  /** How many could not be written down. */
  readonly refused: number;
  /** How many lines of the store can't be read; they are kept as they are. */
  readonly damaged: number;
}

/** Items that failed for good, to be looked at and tried again; see {@link deadLetters}. */
export interface DeadLetters<Item> extends EventSource<DeadLettersEvents> {
  readonly name: string;
  /** How many there are; reads the store when that has not been done. */
  size(): Promise<number>;
  statistics(): Promise<DeadLettersStatistics>;
  /** The oldest of them, at most `limit`; default 100. */
  list(limit?: number): Promise<readonly DeadLetter<Item>[]>;
  /**
   * Writes an item down; it is safe when this resolves. Rejects with a DeadLettersFullError, a DeadLetterItemError, a
   * DeadLettersClosedError or the error of the store.
   */
  add(item: Item, error: unknown, facts?: LetterFacts): Promise<DeadLetter<Item>>;
  /**
   * The same function, of which a failing item is written down and gives {@link skipped}: for batches. What can't be
   * written down fails with its own error.
   */
  wrap<Rest extends readonly unknown[], R>(
    fn: (item: Item, ...rest: Rest) => R,
    keyOf?: (item: Item) => string,
  ): (item: Item, ...rest: Rest) => Promise<Awaited<R> | Skipped>;
  /**
   * Tries letters again, the oldest first. What goes well is a letter no more; what fails again goes to the end of the
   * line with its new error. A process that dies in between tries some of them once more: `handle` must bear that.
   */
  rerun(handle: (item: Item, context: RerunContext) => unknown, options?: RerunOptions): Promise<RerunReport>;
  /** Takes a letter out; false when there is none with that id. Rejects with a DeadLettersClosedError after `close`. */
  remove(id: string): Promise<boolean>;
  /** Takes nothing more, and lets go of the store when everything is written. */
  close(): Promise<void>;
}
