import { join } from 'node:path';
import type { Clock } from 'breakwater/clock';
import { usageError } from '../command-line/command-error.ts';
import type { RunOptions } from '../command-line/run-options.ts';
import type { RunJournal } from '../journal/run-journal.ts';
import { csvLines, jsonLines, outputFormat } from './result-encoder.ts';
import type { Result, ResultEncoder } from './result-encoder.ts';
import { CompletionOutput, OrderedOutput, ResultFile } from './result-file.ts';
import type { ResultOutput } from './result-file.ts';

const pieceRows = 500;

/** Makes the output anew from what the journal holds, moves it into place, and goes on with it. */
export async function openOutput(
  options: RunOptions,
  columns: readonly string[] | undefined,
  journal: RunJournal,
  clock: Clock,
): Promise<ResultOutput> {
  const file = await ResultFile.begin(join(journal.folder, 'output.new'), encoderFor(options.out, columns));
  if (options.order === 'completion') {
    let piece: Result[] = [];
    for await (const result of journal.inOrderOfCompletion()) {
      piece.push(result);
      if (piece.length < pieceRows) continue;
      await file.write(piece);
      piece = [];
    }
    if (piece.length > 0) await file.write(piece);
    await file.moveTo(options.out);
    return new CompletionOutput(file, clock);
  }
  const output = new OrderedOutput(file, journal.reader, journal.index, options.range.offset + 1, clock);
  await output.catchUp();
  await file.moveTo(options.out);
  return output;
}

function encoderFor(out: string, columns: readonly string[] | undefined): ResultEncoder {
  if (outputFormat(out) === 'jsonl') return jsonLines;
  if (columns === undefined) {
    throw usageError(
      '--out: the columns of JSON Lines from a pipe are not known beforehand. Write .jsonl, or save the input to a file first.',
    );
  }
  return csvLines(columns);
}
