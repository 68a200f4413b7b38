import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { InputFormat } from '../input/dialect.ts';
import type { InputOptions } from '../input/open-input.ts';
import type { RowRange } from '../input/survey.ts';
import { parsePointer } from '../json/raw-value.ts';
import { outputFormat } from '../output/result-encoder.ts';
import type { LogLevel } from '../run/observer.ts';
import type { RequestOptions } from '../template/request-template.ts';
import { usageError } from './command-error.ts';
import type { Rate } from './quantities.ts';

/** The options of `breakwater run` as commander hands them over: each of its own is already in range. */
export interface RawRunOptions {
  readonly url: string;
  readonly method?: string;
  readonly body?: string;
  readonly header: readonly string[];
  readonly headerEnv: readonly string[];
  readonly format?: InputFormat;
  readonly delimiter?: string;
  readonly quote: 'double' | 'none';
  readonly limit?: number;
  readonly offset: number;
  readonly out?: string;
  readonly select?: string;
  readonly order: 'input' | 'completion';
  readonly concurrency: number;
  readonly batchSize?: number;
  readonly rate?: Rate;
  readonly burst?: number;
  readonly maxAttempts: number;
  readonly timeout: number;
  readonly totalTimeout?: number;
  readonly breakerRatio: number;
  readonly breakerBreak: number;
  readonly maxOutage?: number;
  readonly onError: 'continue' | 'stop';
  readonly maxFailures?: number;
  readonly grace: number;
  readonly resume?: boolean;
  readonly fresh?: boolean;
  readonly retryFailed?: boolean;
  readonly dryRun?: boolean;
  readonly progress: 'auto' | 'bar' | 'plain' | 'none';
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly logLevel: LogLevel;
  readonly color: boolean;
}

/** Everything a run needs to know, checked as a whole. */
export interface RunOptions {
  readonly input: InputOptions;
  readonly range: RowRange;
  readonly request: RequestOptions;
  readonly select: readonly string[] | undefined;
  readonly selectText: string | undefined;
  readonly out: string;
  readonly order: 'input' | 'completion';
  readonly concurrency: number;
  readonly rate: Rate | undefined;
  readonly burst: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly totalTimeoutMs: number | undefined;
  readonly breakerRatio: number;
  readonly breakMs: number;
  /** How long nothing may be answered before the run gives up; undefined for the default. */
  readonly maxOutageMs: number | undefined;
  /** The run stops when more rows than this have failed. */
  readonly maxFailures: number;
  readonly graceMs: number;
  readonly start: 'new' | 'resume' | 'fresh';
  readonly retryFailed: boolean;
  readonly dryRun: boolean;
}

export function runOptions(inputPath: string, raw: RawRunOptions): RunOptions {
  refuseContradictions(raw);
  const out = raw.out ?? defaultOutput(inputPath);
  outputFormat(out);
  return {
    input: { path: inputPath, format: raw.format, delimiter: raw.delimiter, quote: raw.quote !== 'none' },
    range: { offset: raw.offset, limit: raw.limit },
    request: {
      url: raw.url,
      method: raw.method,
      body: bodyText(raw.body),
      headers: raw.header,
      secretHeaders: raw.headerEnv,
    },
    select: pointerOf(raw.select),
    selectText: raw.select,
    out,
    order: raw.order,
    concurrency: raw.batchSize ?? raw.concurrency,
    rate: raw.rate,
    burst: raw.burst ?? defaultBurst(raw.rate),
    maxAttempts: raw.maxAttempts,
    timeoutMs: raw.timeout,
    totalTimeoutMs: raw.totalTimeout,
    breakerRatio: raw.breakerRatio,
    breakMs: raw.breakerBreak,
    maxOutageMs: raw.maxOutage,
    maxFailures: raw.onError === 'stop' ? 0 : (raw.maxFailures ?? Infinity),
    graceMs: raw.grace,
    start: raw.fresh === true ? 'fresh' : raw.resume === true || raw.retryFailed === true ? 'resume' : 'new',
    retryFailed: raw.retryFailed === true,
    dryRun: raw.dryRun === true,
  };
}

/** Options that mean something each, and nothing together. */
function refuseContradictions(raw: RawRunOptions): void {
  if (raw.resume === true && raw.fresh === true)
    throw usageError('--resume and --fresh contradict each other: go on, or start anew?');
  if (raw.retryFailed === true && raw.fresh === true)
    throw usageError('--retry-failed and --fresh contradict each other.');
  if (raw.onError === 'stop' && raw.maxFailures !== undefined) {
    throw usageError(
      '--on-error stop stops at the first failed row; with --max-failures say --on-error continue, or leave it out.',
    );
  }
  if (raw.burst !== undefined && raw.rate === undefined) throw usageError('--burst needs --rate.');
}

function pointerOf(select: string | undefined): readonly string[] | undefined {
  if (select === undefined) return undefined;
  const pointer = parsePointer(select);
  if (pointer !== undefined) return pointer;
  throw usageError(`--select: "${select}" is not a JSON pointer (RFC 6901); expected a path such as /card/back/0.`);
}

/** What a tenth of a second allows: enough that late timers cost no throughput, too little to be noticed upstream. */
function defaultBurst(rate: Rate | undefined): number {
  return rate === undefined ? 1 : Math.max(1, Math.ceil((rate.limit / rate.periodMs) * 100));
}

/** `words.csv` → `words.results.jsonl`, beside it. */
function defaultOutput(inputPath: string): string {
  if (inputPath === '-') throw usageError('--out is needed when the input is standard input: --out results.jsonl');
  return join(dirname(inputPath), `${basename(inputPath).replace(/\.[^.]*$/, '')}.results.jsonl`);
}

function bodyText(body: string | undefined): string | undefined {
  if (body?.startsWith('@') !== true) return body;
  try {
    return readFileSync(body.slice(1), 'utf8').trimEnd();
  } catch (error) {
    throw usageError(
      `--body ${body}: the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`,
    );
  }
}
