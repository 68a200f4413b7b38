/**
 * How a run goes:
 *
 * ```text
 * input ──rows──▶ row caller ──▶ gate ▷ pipeline ▷ fetch      (concurrency rows at a time)
 *                     │ result
 *                     ▼
 *                  journal   append-only, the truth; the row's place is free when its line has been written
 *                     ▼
 *                  output    a view of the journal, in order of the input
 * ```
 *
 * 1. Everything that can be wrong is found before the first call: options, templates, the file from end to end.
 * 2. The journal is opened or begun; what it holds is not called again; the output is made anew from it.
 * 3. Rows are called until none is left or the run is stopped: by a signal, by an upstream that stays away, by refused
 *    credentials, by too many failures. A stopped run begins no call and awaits those in flight for a while.
 * 4. Output and journal are flushed; what is left to do is told, with the command that does it.
 */
import type { Clock } from 'breakwater/clock';
import { parallelMap } from 'breakwater/work';
import { CommandError, configurationError } from '../command-line/command-error.ts';
import type { RunOptions } from '../command-line/run-options.ts';
import type { InputRow } from '../input/row.ts';
import { inputBytes } from '../input/open-input.ts';
import { openJournal } from '../journal/run-journal.ts';
import type { RunJournal } from '../journal/run-journal.ts';
import { openOutput } from '../output/open-output.ts';
import type { ResultOutput } from '../output/result-file.ts';
import { resultJson } from '../output/row-result.ts';
import { CredentialsWatch } from './credentials-watch.ts';
import { prepareJob } from './job.ts';
import type { Job } from './job.ts';
import type { RunObserver, RunSummary } from './observer.ts';
import { ReportingCaller } from './reporting-caller.ts';
import { RowSource } from './row-source.ts';
import { RunStatistics } from './run-statistics.ts';
import { RunStop } from './run-stop.ts';
import { summarize } from './summary.ts';
import { SmallHeap } from './small-heap.ts';

export interface RunSurroundings {
  readonly clock: Clock;
  readonly environment: NodeJS.ProcessEnv;
  readonly observer: RunObserver;
  /** Told to the run from outside: a signal. */
  readonly stop: RunStop;
  /** The command line after `run`, for the commands that go on with this run. */
  readonly args: readonly string[];
}

/** Runs a job to its end or to its stop. Faults of input, usage and surroundings are thrown, all else is in the summary. */
export async function run(options: RunOptions, surroundings: RunSurroundings): Promise<RunSummary> {
  const { clock, environment, observer } = surroundings;
  const startedAt: number = clock.now();
  const heap = new SmallHeap(await inputBytes(options.input));
  const job = await prepareJob(options, environment, () => heap.rowPassed());
  const journal = await openJournal({
    outputPath: options.out,
    identity: job.identity,
    start: options.start,
    retryFailed: options.retryFailed,
    base: options.range.offset,
    expectedRows: job.totalRows,
    clock,
  });
  const statistics = new RunStatistics();
  let inputFault: unknown;
  let rows = 0;
  try {
    await journal.failures((position, category, message) => statistics.failed(position, category, message));
    if (journal.finished === undefined) {
      const output = await openOutput(options, job.columns, journal, clock);
      announce(options, job, journal, observer);
      const loop = new RunLoop(options, surroundings, job, journal, output, statistics, heap);
      await loop.run();
      rows = loop.rowsSeen;
      inputFault = loop.inputFault;
      await output.close();
      const whole = inputFault === undefined && !surroundings.stop.requested;
      if (whole) await journal.finish();
    }
  } finally {
    await journal.close().catch((error: unknown) => surroundings.stop.fail(error as Error));
  }
  const { fault } = surroundings.stop;
  if (fault !== undefined) throw storageFault(fault, options.out);
  if (inputFault !== undefined) throw inputFault;
  const summary = summarize({
    options,
    args: surroundings.args,
    job,
    journal,
    statistics,
    stop: surroundings.stop,
    rows,
    elapsedMs: clock.now() - startedAt,
  });
  observer.finished(summary);
  return summary;
}

function announce(options: RunOptions, job: Job, journal: RunJournal, observer: RunObserver): void {
  observer.started({
    inputName: job.inputName,
    outputPath: options.out,
    totalRows: job.totalRows,
    resumedRows: journal.resumedRows,
    concurrency: options.concurrency,
    ratePerSecond: options.rate === undefined ? undefined : (options.rate.limit / options.rate.periodMs) * 1000,
  });
}

function storageFault(fault: Error, out: string): Error {
  if (fault instanceof CommandError) return fault;
  const { code } = fault as NodeJS.ErrnoException;
  if (code === undefined) return fault;
  const remedy = code === 'ENOSPC' ? 'The disk is full. Make room' : 'Mend it';
  return configurationError(
    `results cannot be written beside ${out}: ${fault.message}. ${remedy}, then go on with --resume.`,
  );
}

/** The rows of a run on their way from the input into the journal. */
class RunLoop {
  readonly #options: RunOptions;
  readonly #observer: RunObserver;
  readonly #stop: RunStop;
  readonly #job: Job;
  readonly #journal: RunJournal;
  readonly #output: ResultOutput;
  readonly #statistics: RunStatistics;
  readonly #caller: ReportingCaller;
  readonly #credentials = new CredentialsWatch();
  readonly #heap: SmallHeap;
  #ended = false;
  readonly #source: RowSource;

  constructor(
    options: RunOptions,
    { observer, stop, clock }: RunSurroundings,
    job: Job,
    journal: RunJournal,
    output: ResultOutput,
    statistics: RunStatistics,
    heap: SmallHeap,
  ) {
    this.#options = options;
    this.#observer = observer;
    this.#stop = stop;
    this.#job = job;
    this.#journal = journal;
    this.#output = output;
    this.#statistics = statistics;
    this.#heap = heap;
    this.#source = new RowSource(job.input, options.range, journal.index, stop);
    this.#caller = new ReportingCaller(options, job, statistics, observer, stop, clock);
  }

  /** Rows of the range that were read. */
  get rowsSeen(): number {
    return this.#source.rowsSeen;
  }

  /** What was wrong with the input, where something was: a pipe, or a file that changes. */
  get inputFault(): unknown {
    return this.#source.fault;
  }

  async run(): Promise<void> {
    const abort = new AbortController();
    const { concurrency, graceMs } = this.#options;
    const stopped = new Promise<void>((resolve) => {
      this.#stop.onRequest((reason) => {
        this.#observer.stopping(reason);
        this.#job.interruptInput();
        void this.#caller.drained(graceMs).then(resolve);
      });
    });
    const results = parallelMap(this.#source, (row: InputRow) => this.#settle(row), {
      concurrency,
      order: 'completion',
      signal: abort.signal,
    });
    const all = exhaust(results).catch((error: unknown) => {
      if (!this.#ended) this.#stop.fail(error as Error);
    });
    await Promise.race([all, stopped]);
    this.#ended = true;
    if (this.#source.ended) this.#observer.totalKnown(this.#source.rowsSeen);
    abort.abort();
  }

  async #settle(row: InputRow): Promise<void> {
    this.#observer.rowStarted();
    const settled = await this.#caller.call(row);
    if (settled === undefined || this.#ended) return;
    const { outcome, attempts, durationMs } = settled;
    const json = resultJson(row, outcome, attempts, durationMs);
    try {
      const result = await this.#journal.settle(row.position, outcome.ok, json);
      const flushed = this.#output.settled(row.position, result);
      if (flushed !== undefined) await flushed;
    } catch (error) {
      this.#stop.fail(error as Error);
      return;
    }
    this.#heap.rowPassed();
    this.#statistics.settled(attempts);
    const category = outcome.ok ? undefined : outcome.error.category;
    this.#observer.rowSettled({ position: row.position, ok: outcome.ok, category, attempts, durationMs });
    if (!outcome.ok) this.#failed(row.position, outcome.error.category, outcome.error.message);
    const status = outcome.ok ? outcome.status : outcome.error.status;
    if (this.#credentials.settled(status)) {
      this.#stop.request('credentials-refused', `the first rows were all answered ${status}: check the credentials`);
    }
  }

  #failed(position: number, category: string, message: string): void {
    this.#statistics.failed(position, category, message);
    const { maxFailures } = this.#options;
    if (this.#journal.index.failed > maxFailures) {
      const limit = maxFailures === 0 ? 'a row failed' : `more than ${maxFailures} rows failed`;
      this.#stop.request('too-many-failures', `${limit}: ${message}`);
    }
  }
}

async function exhaust(results: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of results);
}
