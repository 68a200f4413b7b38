import { createHash } from 'node:crypto';
import type { Survey } from '../input/survey.ts';

/** What makes two runs the same job: its results may stand in one output. Written as the journal's first line. */
export interface RunIdentity {
  readonly version: 1;
  readonly input: {
    readonly name: string;
    /** Undefined for a pipe, whose end is not known when the run begins. */
    readonly bytes?: number;
    /** Of the whole file; of a pipe's header and first row. */
    readonly sha256: string;
  };
  readonly options: Readonly<Record<string, string | number | null>>;
}

export function fileInput(name: string, survey: Survey): RunIdentity['input'] {
  return { name, bytes: survey.bytes, sha256: survey.sha256 };
}

export function pipeInput(columns: readonly string[], firstRow: string): RunIdentity['input'] {
  return {
    name: '<stdin>',
    sha256: createHash('sha256').update(JSON.stringify(columns)).update(firstRow).digest('hex'),
  };
}

/** Sentences that say in what `now` differs from `then`; empty when a run may be resumed. */
export function differences(then: RunIdentity, now: RunIdentity): string[] {
  const found: string[] = [];
  if (then.input.sha256 !== now.input.sha256) {
    const sizes = [then.input.bytes, now.input.bytes].map((bytes) =>
      bytes === undefined ? 'unknown size' : `${bytes} bytes`,
    );
    const same = then.input.name === now.input.name;
    found.push(
      same
        ? `the input ${now.input.name} has changed since (${sizes.join(' then, ')} now)`
        : `the input was ${then.input.name} (${sizes[0]}), now it is ${now.input.name} (${sizes[1]})`,
    );
  }
  for (const option of new Set([...Object.keys(then.options), ...Object.keys(now.options)])) {
    const [before, after] = [then.options[option] ?? null, now.options[option] ?? null];
    if (before !== after) found.push(`--${option} was ${shown(before)}, now it is ${shown(after)}`);
  }
  return found;
}

function shown(value: string | number | null): string {
  if (value === null) return 'not given';
  const text = String(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
