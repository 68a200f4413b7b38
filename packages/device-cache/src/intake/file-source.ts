import { createReadStream } from 'node:fs';
import { seedOffset } from '../message/fence.ts';
import type { Intake, SourceMessage } from './intake.ts';
import type { MessageSource } from './message-source.ts';

const BATCH = 500;
const NEWLINE = 10;

/** Readings from a file, one JSON object a line: what a service begins with. Read once, at the start; whatever is newer stays. */
export class FileSource implements MessageSource {
  readonly name: string;
  state: MessageSource['state'] = { status: 'healthy', message: 'not read yet' };
  private readonly path: string;
  private readonly intake: Intake;

  constructor(path: string, intake: Intake) {
    this.name = `file:${path}`;
    this.path = path;
    this.intake = intake;
  }

  async start(): Promise<void> {
    let line = 0;
    let batch: SourceMessage[] = [];
    for await (const bytes of linesOf(this.path)) {
      const position = line++;
      if (bytes.length > 0) batch.push({ bytes, partition: 0, position, offset: seedOffset(position) });
      if (batch.length < BATCH) continue;
      await this.intake.take(this.name, batch);
      batch = [];
    }
    if (batch.length > 0) await this.intake.take(this.name, batch);
    this.state = { status: 'healthy', message: `${line} lines read` };
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** A file is read whole before the service welcomes anybody. */
  lag(): Promise<ReadonlyMap<number, number>> {
    return Promise.resolve(new Map());
  }
}

/** The lines of a file as bytes: whether they are text is for the check to say. */
async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
      yield bytes.subarray(0, end);
      bytes = bytes.subarray(end + 1);
    }
    rest = bytes;
  }
  if (rest.length > 0) yield rest;
}
