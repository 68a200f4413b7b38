import type { Fault } from './faults.ts';
import { KeyCounts, type KeyCount, type KeySummary } from './key-counts.ts';
import { SlidingLog } from './sliding-log.ts';

/**
 * How a call ended: answered, or with a fault (a refusal is the fault of its status: 429, 401, 413). `outage` stands for every mode of it,
 * `abandoned` means that the caller went away first, and a call that has not ended yet is `pending`.
 */
export type Outcome = 'pending' | 'answered' | 'outage' | 'abandoned' | Fault;

export interface LedgerCall {
  /** Milliseconds since the server started. */
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly key: string;
  /** Which of this key's calls that reached the API it was, from 1; 0 when it was refused or met an outage. */
  readonly attempt: number;
  readonly outcome: Outcome;
  /** The status that was sent, null when none was. */
  readonly status: number | null;
  readonly position: string | number | null;
}

export interface LedgerSummary {
  readonly startedAt: string;
  readonly elapsedMs: number;
  readonly calls: number;
  readonly answered: number;
  readonly limited: number;
  readonly pending: number;
  readonly byOutcome: Readonly<Record<string, number>>;
  readonly byStatus: Readonly<Record<string, number>>;
  /** The most calls, and the most that the limit let through, in any window of `periodMs`. */
  readonly peak: { readonly periodMs: number; readonly calls: number; readonly accepted: number };
  readonly keys: KeySummary;
  /** Calls no longer in the list, which keeps only the latest. */
  readonly forgotten: number;
}

export interface LedgerBounds {
  readonly maxCalls: number;
  readonly maxKeys: number;
  readonly periodMs: number;
}

type Entry = { -readonly [Field in keyof LedgerCall]: LedgerCall[Field] } & { readonly era: number };

/** The record of all that was asked. Counts are complete; lists are bounded and say how much they have forgotten. */
export class Ledger {
  readonly #maxCalls: number;
  readonly #periodMs: number;
  readonly #arrivals: SlidingLog;
  readonly #accepted: SlidingLog;
  readonly #keys: KeyCounts;
  #calls: Entry[] = [];
  #byOutcome: Record<string, number> = {};
  #byStatus: Record<string, number> = {};
  #total = 0;
  #settled = 0;
  /** Grows with each reset, so that a call from before it doesn't settle into the counts after it. */
  #era = 0;

  constructor(bounds: LedgerBounds) {
    this.#maxCalls = bounds.maxCalls;
    this.#periodMs = bounds.periodMs;
    this.#arrivals = new SlidingLog(bounds.periodMs);
    this.#accepted = new SlidingLog(bounds.periodMs);
    this.#keys = new KeyCounts(bounds.maxKeys);
  }

  /** Told at a call's arrival, before its body has been read. */
  arrived(now: number, accepted: boolean): void {
    this.#arrivals.add(now);
    if (accepted) this.#accepted.add(now);
  }

  /** Writes a call down. A call that was not admitted gets no attempt number, so that refusals don't shift the dice of later attempts. */
  open(call: Omit<LedgerCall, 'attempt' | 'outcome' | 'status'>, admitted: boolean): LedgerCall {
    const attempt = this.#keys.called(call.key, admitted);
    const entry: Entry = { ...call, attempt, outcome: 'pending', status: null, era: this.#era };
    if (this.#maxCalls > 0) this.#calls[this.#total % this.#maxCalls] = entry;
    this.#total += 1;
    return entry;
  }

  settle(call: LedgerCall, outcome: Outcome, status: number | null): void {
    const entry = call as Entry;
    if (entry.era !== this.#era || entry.outcome !== 'pending') return;
    entry.outcome = outcome;
    entry.status = status;
    this.#settled += 1;
    this.#byOutcome[outcome] = (this.#byOutcome[outcome] ?? 0) + 1;
    if (status !== null) this.#byStatus[status] = (this.#byStatus[status] ?? 0) + 1;
    if (outcome === 'answered') this.#keys.answered(entry.key);
  }

  reset(): void {
    this.#calls = [];
    this.#byOutcome = {};
    this.#byStatus = {};
    this.#keys.clear();
    this.#arrivals.clear();
    this.#accepted.clear();
    this.#total = 0;
    this.#settled = 0;
    this.#era += 1;
  }

  /** The calls still known, oldest first. */
  calls(): LedgerCall[] {
    const oldest = this.#calls.length === 0 ? 0 : this.#total % this.#calls.length;
    return [...this.#calls.slice(oldest), ...this.#calls.slice(0, oldest)].map(({ era: _era, ...call }) => call);
  }

  callsByKey(): Map<string, KeyCount> {
    return this.#keys.all();
  }

  summary(startedAt: string, elapsedMs: number): LedgerSummary {
    return {
      startedAt,
      elapsedMs: Math.round(elapsedMs),
      calls: this.#total,
      answered: this.#byOutcome['answered'] ?? 0,
      limited: this.#byOutcome['429'] ?? 0,
      pending: this.#total - this.#settled,
      byOutcome: { ...this.#byOutcome },
      byStatus: { ...this.#byStatus },
      peak: { periodMs: this.#periodMs, calls: this.#arrivals.peak, accepted: this.#accepted.peak },
      keys: this.#keys.summary(),
      forgotten: this.#total - this.#calls.length,
    };
  }
}
