import type { LetterStore } from './letter.ts';

interface Writing {
  readonly lines: readonly string[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What makes writing a line anew worth while: so many that say nothing any more. */
const LEAST_GARBAGE = 100;

/**
 * Writes lines to a store, one writing at a time; what comes meanwhile goes together into the next. When most of the
 * lines that are there say nothing any more, it puts those that do in their place.
 */
export class LetterJournal {
  private readonly store: LetterStore;
  /** The lines that say something. */
  private readonly living: () => readonly string[];
  private readonly notCompacted: (error: unknown) => void;
  private readonly pending: Writing[] = [];
  private present = 0;
  private isWriting = false;
  private lastRun: Promise<void> = Promise.resolve();

  constructor(store: LetterStore, living: () => readonly string[], notCompacted: (error: unknown) => void) {
    this.store = store;
    this.living = living;
    this.notCompacted = notCompacted;
  }

  async load(): Promise<readonly string[]> {
    const lines = await this.store.load();
    this.present = lines.length;
    return lines;
  }

  /** Resolves when the lines are safe. */
  write(lines: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.pending.push({ lines, resolve, reject });
      if (!this.isWriting) this.lastRun = this.run();
    });
  }

  /** Resolves when everything is written and the store has let go of what it holds. */
  async close(): Promise<void> {
    while (this.isWriting) await this.lastRun;
    await this.store.close();
  }

  private async run(): Promise<void> {
    this.isWriting = true;
    while (this.pending.length > 0) {
      await this.append(this.pending.splice(0));
      if (this.pending.length === 0) await this.compact();
    }
    // At once: who comes between this and the end of the promise must find that nobody writes.
    this.isWriting = false;
  }

  private async append(writings: readonly Writing[]): Promise<void> {
    const lines = writings.flatMap((writing) => writing.lines);
    try {
      await this.store.append(lines);
    } catch (error) {
      for (const { reject } of writings) reject(error);
      return;
    }
    this.present += lines.length;
    for (const { resolve } of writings) resolve();
  }

  private async compact(): Promise<void> {
    const living = this.living();
    if (this.present - living.length < Math.max(LEAST_GARBAGE, living.length)) return;
    try {
      await this.store.replace(living);
      this.present = living.length;
    } catch (error) {
      // Nothing is lost: the lines are all there, and so are those that say nothing any more.
      this.notCompacted(error);
    }
  }
}
