import type { FileHandle } from 'node:fs/promises';
import { decodeFrame } from './frame.ts';
import type { Frame } from './frame.ts';

const chunkBytes = 1024 * 1024;

/** A valid line of the journal and where it stands. */
export interface JournalLine extends Frame {
  readonly offset: number;
}

/**
 * The valid lines of a journal from its beginning, a chunk at a time. Damaged lines are left out: their rows count as
 * not called. Returns the length of the part that ends with a line break; what follows was torn and is to be cut off.
 */
export async function* readJournal(file: FileHandle): AsyncGenerator<JournalLine, number> {
  let rest: Buffer = Buffer.alloc(0);
  let restOffset = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, restOffset + rest.length);
    if (bytesRead === 0) return restOffset;
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    let from = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
      const frame = decodeFrame(bytes.subarray(from, end + 1));
      if (frame !== undefined) yield { ...frame, offset: restOffset + from };
      from = end + 1;
    }
    rest = bytes.subarray(from);
    restOffset += from;
  }
}

interface Block {
  readonly offset: number;
  readonly bytes: Buffer;
}

const blockBytes = 128 * 1024;
const lookBehindBytes = 32 * 1024;
const maxBlocks = 4;

/**
 * Reads single results back by their offset. In order of positions the offsets run forward side by side: one row after
 * the other, and now and then one that was retried and so lies further on. A few blocks that are kept serve them all.
 */
export class ResultReader {
  readonly #file: FileHandle;
  /** The block that was used last stands last. */
  readonly #blocks: Block[] = [];

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** The result whose line begins at `offset`: bytes of a block that is kept, to be used soon. */
  async read(offset: number): Promise<Buffer> {
    const line = this.#kept(offset) ?? (await this.#fetch(offset));
    const frame = decodeFrame(line);
    if (frame === undefined) throw new Error(`the journal is damaged at byte ${offset}`);
    return frame.result;
  }

  #kept(offset: number): Buffer | undefined {
    for (let index = this.#blocks.length - 1; index >= 0; index -= 1) {
      const block = this.#blocks[index] as Block;
      const line = lineIn(block, offset);
      if (line === undefined) continue;
      if (index < this.#blocks.length - 1) this.#blocks.push(...this.#blocks.splice(index, 1));
      return line;
    }
    return undefined;
  }

  async #fetch(offset: number): Promise<Buffer> {
    const from = Math.max(0, offset - lookBehindBytes);
    for (let size = blockBytes, had = -1; ; size *= 4) {
      const bytes = Buffer.allocUnsafeSlow(size);
      const { bytesRead } = await this.#file.read(bytes, 0, size, from);
      const block = { offset: from, bytes: bytes.subarray(0, bytesRead) };
      const line = lineIn(block, offset);
      if (line === undefined && bytesRead === had) throw new Error(`the journal has no whole line at byte ${offset}`);
      had = bytesRead;
      if (line === undefined) continue;
      this.#blocks.push(block);
      if (this.#blocks.length > maxBlocks) this.#blocks.shift();
      return line;
    }
  }
}

function lineIn(block: Block, offset: number): Buffer | undefined {
  const from = offset - block.offset;
  if (from < 0 || from >= block.bytes.length) return undefined;
  const end = block.bytes.indexOf(10, from);
  return end === -1 ? undefined : block.bytes.subarray(from, end + 1);
}
