import type { Clock } from 'breakwater/clock';
import { retryAfterMs } from 'breakwater/headers';
import { formatDuration } from 'breakwater/options';
import type { RunOptions } from '../command-line/run-options.ts';
import type { InputRow } from '../input/row.ts';
import { FetchTimeline } from './fetch-timeline.ts';
import type { Job } from './job.ts';
import type { RunObserver } from './observer.ts';
import { RunStopped, probes, runPolicies } from './policies.ts';
import { RowCaller } from './row-caller.ts';
import type { SettledRow } from './row-caller.ts';
import type { RunStatistics } from './run-statistics.ts';
import type { RunStop } from './run-stop.ts';
import { UpstreamGate } from './upstream-gate.ts';

const defaultMaxOutageMs = { beforeFirstAnswer: 30_000, afterwards: 300_000 };
/** What was answered in the last moment reaches the journal. */
const settleMs = 5;

/** Puts gate, policies and caller together, counts what they do and tells it; knows which calls are in flight. */
export class ReportingCaller {
  readonly #clock: Clock;
  readonly #gate: UpstreamGate;
  readonly #caller: RowCaller;
  readonly #timeline = new FetchTimeline();
  #inFlight = 0;
  #whenIdle: (() => void) | undefined;

  constructor(
    options: RunOptions,
    job: Job,
    statistics: RunStatistics,
    observer: RunObserver,
    stop: RunStop,
    clock: Clock,
  ) {
    this.#clock = clock;
    const { maxOutageMs } = options;
    this.#gate = new UpstreamGate({
      clock,
      maxOutageMs:
        maxOutageMs === undefined ? defaultMaxOutageMs : { beforeFirstAnswer: maxOutageMs, afterwards: maxOutageMs },
      probes,
      breakerClosed: () => policies.breakerClosed(),
      onOutage: (reason, everAnswered, limitMs) =>
        observer.message('warn', sentence(reason, everAnswered, limitMs, options.request.url)),
      onFirstPause: (reason) => observer.message('info', pauseSentence(reason, options.rate !== undefined)),
      onState: (state) => observer.upstreamChanged(state),
      onUnavailable: (reason) => stop.request('upstream-unavailable', `the upstream is unavailable: ${reason}`),
    });
    const policies = runPolicies(options, job.limit, clock, {
      onRetry: (attempt, delayMs) => observer.retrying(attempt, delayMs),
      onBreakerOpened: () => (statistics.breakerOpenings += 1),
      onWaitedForLimit: (waitedMs) => {
        statistics.waitedForLimitMs += waitedMs;
        observer.waitedForLimit(waitedMs);
      },
    });
    this.#caller = new RowCaller({
      clock,
      template: job.template,
      idempotencyKey: job.idempotencyKey,
      select: options.select,
      gate: this.#gate,
      execute: (attempt) => policies.execute(attempt),
      onAttempt: (attempt) => {
        if (stop.requested) throw new RunStopped();
        if (attempt > 1) statistics.retries += 1;
        this.#inFlight += 1;
      },
      retryAfter: (headers, status) => retryAfterMs(headers, clock.wallTime(), status),
      breakerPauseMs: () => policies.breakerPauseMs(),
      breakMs: options.breakMs,
      onCall: (status, durationMs) => {
        this.#inFlight -= 1;
        if (this.#inFlight === 0) this.#whenIdle?.();
        this.#timeline.called();
        statistics.called(status, durationMs);
        observer.called({ status, durationMs });
      },
    });
    stop.onRequest(() => this.#gate.close());
  }

  call(row: InputRow): Promise<SettledRow | undefined> {
    return this.#caller.call(row);
  }

  /** Resolves when no call is in flight any more, or the time is up. Rows that wait for a turn are not waited for. */
  async drained(graceMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.#inFlight === 0) return resolve();
      const timer = this.#clock.setTimer(graceMs, resolve);
      this.#whenIdle = () => {
        timer.cancel();
        resolve();
      };
    });
    await new Promise<void>((resolve) => void this.#clock.setTimer(settleMs, resolve));
  }
}

function sentence(reason: string, everAnswered: boolean, limitMs: number, url: string): string {
  const patience = `for ${formatDuration(limitMs)} (--max-outage)`;
  if (everAnswered) return `The upstream is away: ${reason}. Rows wait ${patience}, none is lost.`;
  const host = /^https?:\/\/[^/?#]+/i.exec(url)?.[0] ?? url;
  return `No answer from ${host} yet: ${reason}. Is --url right? Trying ${patience}.`;
}

function pauseSentence(reason: string, hasRate: boolean): string {
  const remedy = hasRate ? 'A lower --rate' : '--rate, such as --rate 10/s,';
  return `The upstream asks for a pause (${reason}); rows wait as long as it asks, none is lost. ${remedy} would spare the calls.`;
}
