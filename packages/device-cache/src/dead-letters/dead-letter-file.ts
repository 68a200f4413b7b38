import { type FileHandle, open } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { BuriedPositions, type DeadLetter, type DeadLetters } from './dead-letters.ts';

/**
 * Dead letters as lines of JSON in a file, the original bytes in base64. Lines are on the disk when they count as buried; half
 * a line that a crash has left is cut off when the file is opened, and what lies there already is not buried again.
 */
export async function deadLetterFile(path: string): Promise<DeadLetters> {
  mkdirSync(dirname(path), { recursive: true });
  const file = await open(path, 'a+');
  try {
    const { positions, wholeBytes, hasRest } = await survey(file);
    if (hasRest) await file.truncate(wholeBytes);
    return new DeadLetterFile(file, positions);
  } catch (error) {
    await file.close();
    throw error;
  }
}

class DeadLetterFile implements DeadLetters {
  buried: number = 0;
  private readonly file: FileHandle;
  private readonly positions: BuriedPositions;
  private last: Promise<void> = Promise.resolve();

  constructor(file: FileHandle, positions: BuriedPositions) {
    this.file = file;
    this.positions = positions;
  }

  bury(letters: readonly DeadLetter[]): Promise<void> {
    // One after the other: two writes at once could mix their lines.
    const mine = this.last.then(() => this.append(letters));
    this.last = mine.catch(() => undefined);
    return mine;
  }

  recall(): void {
    // The file is ours alone.
  }

  async close(): Promise<void> {
    await this.last;
    await this.file.close();
  }

  private async append(letters: readonly DeadLetter[]): Promise<void> {
    const fresh = letters.filter((letter) => !this.positions.has(letter));
    if (fresh.length === 0) return;
    await this.file.appendFile(fresh.map(lineOf).join(''));
    await this.file.datasync();
    for (const letter of fresh) this.positions.add(letter);
    this.buried += fresh.length;
  }
}

function lineOf({ bytes, ...letter }: DeadLetter): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return `${JSON.stringify({ ...letter, bytes: base64 })}\n`;
}

/** Which positions the file holds, and where its last whole line ends. */
async function survey(file: FileHandle): Promise<{ positions: BuriedPositions; wholeBytes: number; hasRest: boolean }> {
  const positions = new BuriedPositions();
  const { size } = await file.stat();
  const chunk = Buffer.alloc(64 * 1024);
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; at < size;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    const text = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    const end = text.lastIndexOf(10) + 1;
    for (const line of text.subarray(0, end).toString().split('\n')) if (line !== '') remember(line, positions);
    rest = text.subarray(end);
  }
  return { positions, wholeBytes: size - rest.length, hasRest: rest.length > 0 };
}

function remember(line: string, positions: BuriedPositions): void {
  try {
    positions.add(JSON.parse(line) as DeadLetter);
  } catch {
    // A line that somebody has edited is theirs; it only can't say what it holds.
  }
}
