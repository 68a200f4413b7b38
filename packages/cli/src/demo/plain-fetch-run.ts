import type { Clock } from 'breakwater/clock';
import { readFileSync, writeFileSync } from 'node:fs';
import type { ProgressTally } from '../progress/progress-state.ts';
import { SAMPLE_PATH, type DemoPlan } from './demo-plan.ts';

interface Word {
  readonly position: string;
  readonly term: string;
  readonly type: string;
}

type Result = { readonly row: Word } & ({ readonly value: unknown } | { readonly error: string });

/** A call that hangs would hold the demo for five minutes; even plain scripts learn to set a limit. */
const TIME_LIMIT_MS = 3_000;

/**
 * The script that everybody writes first: chunks, Promise.all, a try around each call. It is not made worse than it is.
 * Returns how many rows were answered.
 */
export async function runWithPlainFetch(
  plan: DemoPlan,
  url: string,
  outPath: string,
  view: PlainRunView,
): Promise<number> {
  const words = readWords().slice(0, plan.rows);
  const results: Result[] = [];
  for (let start = 0; start < words.length; start += plan.concurrency) {
    const chunk = words.slice(start, start + plan.concurrency);
    results.push(...(await Promise.all(chunk.map((word) => translate(word, url, view)))));
  }
  writeFileSync(outPath, results.map((result) => `${JSON.stringify(result)}\n`).join(''));
  return results.filter((result) => 'value' in result).length;
}

export interface PlainRunView {
  readonly clock: Clock;
  readonly tally: ProgressTally;
  readonly changed: () => void;
}

async function translate(word: Word, url: string, view: PlainRunView): Promise<Result> {
  view.tally.rowStarted();
  const result = await call(word, url, view.clock);
  const ok = 'value' in result;
  const position = Number(word.position);
  view.tally.rowSettled({ position, ok, category: undefined, attempts: 1, durationMs: 0 }, view.clock.now());
  view.changed();
  return result;
}

async function call(row: Word, url: string, clock: Clock): Promise<Result> {
  const limit = new AbortController();
  const timer = clock.setTimer(TIME_LIMIT_MS, () => limit.abort(new Error(`no answer in ${TIME_LIMIT_MS / 1_000} s`)));
  try {
    const response = await fetch(`${url}/cards`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(row),
      signal: limit.signal,
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return { row, value: await response.json() };
  } catch (error) {
    return { row, error: error instanceof Error ? error.message : String(error) };
  } finally {
    timer.cancel();
  }
}

function readWords(): Word[] {
  const [, ...lines] = readFileSync(SAMPLE_PATH, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [position = '', term = '', type = ''] = line.split(',');
    return { position, term, type };
  });
}
