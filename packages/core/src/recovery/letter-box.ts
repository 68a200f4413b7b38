import { type LineContent, readLine } from './letter-line.ts';

/** A letter, or a line that can't be read, as it is kept. */
export interface Entry {
  readonly id: string;
  readonly line: string;
  /** How many times it was tried; Infinity for a line that can't be read. */
  readonly attempts: number;
  /** Whether it is being written or tried: nobody else takes it. */
  busy: boolean;
}

/** Letters in their order, the oldest first, and how much room they take. */
export class LetterBox {
  characters = 0;
  damaged = 0;
  private readonly entries: Map<string, Entry> = new Map();

  /** How many letters there are; lines that can't be read are none. */
  get letters(): number {
    return this.entries.size - this.damaged;
  }

  get lines(): readonly string[] {
    return Array.from(this.entries.values(), ({ line }) => line);
  }

  has(id: string): boolean {
    return this.entries.has(id);
  }

  /** Takes in a line of the store. */
  load(line: string): void {
    const content: LineContent = readLine(line);
    if (content.is === 'removal') this.remove(content.id);
    else if (content.is === 'letter') this.put(content.letter.id, line, content.letter.attempts);
    else this.put(`damaged ${++this.damaged}`, line, Infinity);
  }

  /** Puts a letter at the end of the line; in place of the one with its id, where there is one. */
  put(id: string, line: string, attempts: number): Entry {
    this.remove(id);
    const entry: Entry = { id, line, attempts, busy: false };
    this.entries.set(id, entry);
    this.characters += line.length;
    return entry;
  }

  remove(id: string): boolean {
    const entry = this.entries.get(id);
    if (entry === undefined) return false;
    this.entries.delete(id);
    this.characters -= entry.line.length;
    return true;
  }

  /** The letters that nobody has taken, the oldest first. */
  *free(): Generator<Entry, void> {
    for (const entry of this.entries.values()) if (!entry.busy && entry.attempts < Infinity) yield entry;
  }

  /** The oldest of them, at most `limit`, that were tried less than `maxAttempts` times. */
  pick(limit: number, maxAttempts: number): Entry[] {
    const picked: Entry[] = [];
    for (const entry of this.free()) {
      if (picked.length >= limit) break;
      if (entry.attempts < maxAttempts) picked.push(entry);
    }
    return picked;
  }

  /** How many letters were tried at least so many times. */
  exhausted(maxAttempts: number): number {
    let count = 0;
    for (const { attempts } of this.entries.values()) if (attempts >= maxAttempts && attempts < Infinity) count++;
    return count;
  }
}
