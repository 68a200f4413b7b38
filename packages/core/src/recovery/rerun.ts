import type { DeadLetter, RerunContext, RerunReport } from './letter.ts';
import type { Entry } from './letter-box.ts';
import { readLine } from './letter-line.ts';

/** Failures that a report keeps. */
const MOST_FAILURES = 100;

/** Whose letters are tried, and what becomes of them. */
export interface RerunHost {
  handle(item: unknown, context: RerunContext): unknown;
  wentWell(entry: Entry): Promise<void>;
  /** Gives the letter as it stands now; undefined where somebody has taken it out. */
  failed(entry: Entry, letter: DeadLetter, error: unknown): Promise<DeadLetter | undefined>;
  isClosed(): boolean;
}

/** One rerun of letters, several at once. */
export class Rerun {
  private readonly entries: readonly Entry[];
  private readonly concurrency: number;
  private readonly signal: AbortSignal | undefined;
  private readonly host: RerunHost;
  private index = 0;
  private tried = 0;
  private succeeded = 0;
  private readonly byCategory: Record<string, number> = {};
  private readonly failures: DeadLetter[] = [];
  /** What the store failed with: no further letter is tried then. */
  private fault: { readonly error: unknown } | undefined = undefined;

  constructor(
    entries: readonly Entry[],
    options: { readonly concurrency: number; readonly signal?: AbortSignal | undefined },
    host: RerunHost,
  ) {
    this.entries = entries;
    this.concurrency = Math.min(options.concurrency, entries.length);
    this.signal = options.signal;
    this.host = host;
    for (const entry of entries) entry.busy = true;
  }

  /** Rejects with what the store fails with, when no letter runs any more. */
  async run(): Promise<Omit<RerunReport, 'left' | 'exhausted'>> {
    await Promise.all(Array.from({ length: this.concurrency }, async () => this.takeTurns()));
    for (const entry of this.entries) entry.busy = false;
    if (this.fault !== undefined) throw this.fault.error;
    const { tried, succeeded, byCategory, failures } = this;
    return { tried, succeeded, failed: tried - succeeded, byCategory, failures };
  }

  private async takeTurns(): Promise<void> {
    for (let entry = this.next(); entry !== undefined; entry = this.next()) {
      try {
        await this.tryOne(entry);
      } catch (error) {
        this.fault ??= { error };
      }
    }
  }

  private next(): Entry | undefined {
    const over = this.fault !== undefined || this.signal?.aborted === true || this.host.isClosed();
    return over ? undefined : this.entries[this.index++];
  }

  private async tryOne(entry: Entry): Promise<void> {
    const content = readLine(entry.line);
    if (content.is !== 'letter') return;
    const { letter } = content;
    this.tried++;
    let thrown: { readonly error: unknown } | undefined;
    try {
      await this.host.handle(letter.item, { signal: this.signal, letter });
    } catch (error) {
      thrown = { error };
    }
    if (thrown === undefined) {
      this.succeeded++;
      return this.host.wentWell(entry);
    }
    const again = await this.host.failed(entry, letter, thrown.error);
    if (again === undefined) return;
    const { category } = again.error;
    this.byCategory[category] = (this.byCategory[category] ?? 0) + 1;
    if (this.failures.length < MOST_FAILURES) this.failures.push(again);
  }
}
