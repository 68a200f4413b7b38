import type { Clock, Timer } from '../clock/clock.ts';
import { GatherTimeoutError } from './errors.ts';

/** What a gathered task is told. */
export interface GatherTaskContext {
  readonly name: string;
  /** Aborted when the task is late or its result is no longer wanted; never after it has ended. */
  readonly signal: AbortSignal;
}

/** A task of gatherWithTimeout: a function that is told when it is late. */
export type GatherTask<R = unknown> = (context: GatherTaskContext) => R;

/** What became of one task. */
export type Gathered<R> =
  | { readonly ok: true; readonly name: string; readonly value: R }
  | { readonly ok: false; readonly name: string; readonly error: unknown };

interface RunOptions {
  readonly timeoutMs: number;
  readonly returnErrors: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** One gathering, from the start of its tasks to its answer. */
export class GatherRun {
  private readonly tasks: readonly (readonly [string, GatherTask])[];
  private readonly clock: Clock;
  private readonly options: RunOptions;
  private readonly controllers: (AbortController | undefined)[] = [];
  private readonly results: (Gathered<unknown> | undefined)[];
  private open: number;
  private ended = false;
  private timer: Timer | undefined = undefined;
  private resolve!: (results: unknown[]) => void;
  private reject!: (error: unknown) => void;

  constructor(tasks: readonly (readonly [string, GatherTask])[], clock: Clock, options: RunOptions) {
    this.tasks = tasks;
    this.clock = clock;
    this.options = options;
    this.results = tasks.map(() => undefined);
    this.open = tasks.length;
  }

  start(): Promise<unknown[]> {
    const { signal, timeoutMs } = this.options;
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      if (signal?.aborted === true) return this.fail(signal.reason);
      signal?.addEventListener('abort', this.onAbort);
      this.timer = this.clock.setTimer(timeoutMs, () => this.timeIsUp());
      for (const [index, [name, task]] of this.tasks.entries()) {
        // A task may abort the signal that everything hangs on.
        if (!this.ended) this.begin(index, name, task);
      }
      if (this.open === 0) this.finish();
    });
  }

  private readonly onAbort = (): void => this.fail(this.options.signal!.reason);

  private begin(index: number, name: string, task: GatherTask): void {
    const controller = new AbortController();
    this.controllers[index] = controller;
    const run = async (): Promise<unknown> => task({ name, signal: controller.signal });
    run().then(
      (value) => this.taskEnded(index, { ok: true, name, value }),
      (error: unknown) => this.taskEnded(index, { ok: false, name, error }),
    );
  }

  private taskEnded(index: number, result: Gathered<unknown>): void {
    this.controllers[index] = undefined;
    if (this.ended) return;
    this.results[index] = result;
    this.open--;
    if (!result.ok && !this.options.returnErrors) this.fail(result.error);
    else if (this.open === 0) this.finish();
  }

  private timeIsUp(): void {
    const { timeoutMs, returnErrors } = this.options;
    const late = this.tasks.flatMap(([name], index) => (this.results[index] === undefined ? [name] : []));
    if (!returnErrors) return this.fail(new GatherTimeoutError(late, timeoutMs));
    for (const [index, [name]] of this.tasks.entries()) {
      if (this.results[index] !== undefined) continue;
      const error = new GatherTimeoutError([name], timeoutMs);
      this.results[index] = { ok: false, name, error };
    }
    this.finish();
    for (const [index, controller] of this.controllers.entries()) {
      const result = this.results[index]!;
      if (!result.ok) controller?.abort(result.error);
    }
  }

  private finish(): void {
    if (!this.end()) return;
    const { results } = this;
    this.resolve(this.options.returnErrors ? results : results.map((result) => (result as { value: unknown }).value));
  }

  private fail(error: unknown): void {
    if (!this.end()) return;
    this.reject(error);
    for (const controller of this.controllers) controller?.abort(error);
  }

  /** Lets go of timer and signal; false when that has been done. */
  private end(): boolean {
    if (this.ended) return false;
    this.ended = true;
    this.timer?.cancel();
    this.options.signal?.removeEventListener('abort', this.onAbort);
    return true;
  }
}
