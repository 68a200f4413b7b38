import type { Clock, Timer } from '../clock/clock.ts';
import { ranOutOfTime } from '../pipeline/call-guard.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import type { Outcome } from '../policy/outcome.ts';
import { OwnRun } from '../streaming/own-run.ts';
import type { Endpoint } from './endpoint.ts';

/** What a call does with one endpoint. */
export type EndpointFunction<E, T> = (endpoint: E, context: ExecutionContext) => T;

/** What a race has to know and to tell. */
export interface RaceRules<E> {
  readonly clock: Clock;
  readonly hedgeDelayMs: number | undefined;
  /** Whether the next endpoint is asked after this failure of one. */
  goesOnAfter(error: unknown, context: ExecutionContext): boolean;
  failedOver(from: E, to: E, error: unknown, context: ExecutionContext): void;
  hedged(from: E, to: E, context: ExecutionContext): void;
  /** An endpoint was asked and has answered so. */
  judged(endpoint: Endpoint<E>, ok: boolean): void;
  /** The error where the policies of every endpoint refused the call. */
  noneTakesCalls(refusals: readonly unknown[]): Error;
}

/** One call over several endpoints, one after the other or, when hedged, beside each other. */
export class EndpointRace<E, T> {
  private readonly waiting: Endpoint<E>[];
  private readonly context: ExecutionContext;
  private readonly fn: EndpointFunction<E, T>;
  private readonly rules: RaceRules<E>;
  private readonly options: CallOptions;
  /** How many more endpoints may be asked. */
  private left: number;
  private readonly running: Set<OwnRun> = new Set();
  private readonly refusals: unknown[] = [];
  private failure: { readonly error: unknown } | undefined = undefined;
  private hedging: Timer | undefined = undefined;
  private over = false;
  private resolve!: (value: Awaited<T>) => void;
  private reject!: (error: unknown) => void;

  constructor(
    endpoints: readonly Endpoint<E>[],
    maxEndpoints: number,
    context: ExecutionContext,
    fn: EndpointFunction<E, T>,
    options: CallOptions,
    rules: RaceRules<E>,
  ) {
    this.waiting = [...endpoints];
    this.left = maxEndpoints;
    this.context = context;
    this.fn = fn;
    this.options = options;
    this.rules = rules;
  }

  run(): Promise<Awaited<T>> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.askNext();
    });
  }

  /** Asks the next of those that wait: there is one, and it may be asked. */
  private askNext(): void {
    const endpoint = this.waiting.shift()!;
    this.left--;
    const run = new OwnRun(this.context).follow();
    this.running.add(run);
    endpoint.begin();
    this.hedgeLater(endpoint);
    endpoint.pipeline
      .tryExecute((context) => this.fn(endpoint.value, context), { ...this.options, parent: run })
      .then(
        (outcome) => this.answered(endpoint, run, outcome),
        // A pipeline that keeps its promise doesn't come here.
        (error: unknown) => this.end(() => this.reject(error)),
      );
  }

  private answered(endpoint: Endpoint<E>, run: OwnRun, outcome: Outcome<Awaited<T>>): void {
    endpoint.end();
    run.release();
    this.running.delete(run);
    const refused = outcome.attempts === 0;
    if (!refused && saysSomething(run)) this.rules.judged(endpoint, outcome.ok);
    if (this.over) return;
    if (outcome.ok) return this.end(() => this.resolve(outcome.value));
    // Whoever ended the call tells the caller why.
    if (run.signal.aborted) return this.end(() => this.reject(outcome.error));
    if (refused) this.refused(endpoint, outcome.error);
    else this.failed(endpoint, outcome.error);
  }

  /** An endpoint that was not asked doesn't count as one. */
  private refused(endpoint: Endpoint<E>, error: unknown): void {
    this.left++;
    this.refusals.push(error);
    this.goOn(endpoint, error);
  }

  private failed(endpoint: Endpoint<E>, error: unknown): void {
    this.failure = { error };
    // Those that have been asked may still answer.
    if (!this.rules.goesOnAfter(error, this.context)) this.waiting.length = 0;
    this.goOn(endpoint, error);
  }

  private goOn(from: Endpoint<E>, error: unknown): void {
    this.hedging?.cancel();
    const next = this.left > 0 ? this.waiting[0] : undefined;
    if (next !== undefined) {
      this.rules.failedOver(from.value, next.value, error, this.context);
      this.askNext();
    } else if (this.running.size === 0) {
      const shown = this.failure === undefined ? this.rules.noneTakesCalls(this.refusals) : this.failure.error;
      this.end(() => this.reject(shown));
    }
  }

  private hedgeLater(from: Endpoint<E>): void {
    const { hedgeDelayMs, clock } = this.rules;
    if (hedgeDelayMs === undefined) return;
    this.hedging?.cancel();
    this.hedging = clock.setTimer(hedgeDelayMs, () => {
      const next = this.left > 0 ? this.waiting[0] : undefined;
      if (next === undefined) return;
      this.rules.hedged(from.value, next.value, this.context);
      this.askNext();
    });
  }

  /** The losers are told that nobody waits for them. */
  private end(settle: () => void): void {
    this.over = true;
    this.hedging?.cancel();
    for (const run of this.running) run.abort();
    settle();
  }
}

/** A run that its caller has ended, or that lost a hedge, says nothing of its endpoint; one whose time was up does. */
function saysSomething({ signal }: OwnRun): boolean {
  return !signal.aborted || ranOutOfTime(signal.reason);
}
