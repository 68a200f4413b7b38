/**
 * Where rows wait while the upstream is away, so that an outage costs no row its attempts.
 *
 * The gate is outside of the pipeline. A row that comes out of it refused (by the open breaker, by a 429, by a host
 * that cannot be reached) waits here and goes again with all its attempts. While the gate is shut a few rows are let
 * through when the breaker's pause is over; their answers open the gate for all, their failure lengthens the wait. Rows
 * that were let through go to the end of the queue, so that one row that always fails cannot keep the gate shut.
 */
import type { Clock, Timer } from 'breakwater/clock';
import { formatDuration } from 'breakwater/options';
import type { UpstreamState } from './observer.ts';

export interface UpstreamGateOptions {
  readonly clock: Clock;
  /** How long nothing may be answered, in milliseconds, before and after the first answer. */
  readonly maxOutageMs: { readonly beforeFirstAnswer: number; readonly afterwards: number };
  /** Whether an answer means that all may go: not while the breaker wants to see more of them. */
  readonly breakerClosed: () => boolean;
  /** Rows that are let through together to find out. */
  readonly probes: number;
  /** The upstream is away; `limitMs` is how long it may stay so. */
  readonly onOutage: (reason: string, everAnswered: boolean, limitMs: number) => void;
  /** The upstream has asked for a pause for the first time. */
  readonly onFirstPause: (reason: string) => void;
  readonly onState: (state: UpstreamState) => void;
  /** Nothing was answered for too long, or the upstream asks to come back later than that. */
  readonly onUnavailable: (reason: string) => void;
}

/** So many 429 in a row mean that the upstream wants a pause from all, and not that two rows met at the limit. */
const refusalsInARow = 3;
/** When a probe ended without anybody saying when to try again. */
const defaultProbeDelayMs = 1_000;

export class UpstreamGate {
  readonly #options: UpstreamGateOptions;
  readonly #waiting: ((mayGo: boolean) => void)[] = [];
  readonly #pausing = new Map<(mayGo: boolean) => void, Timer>();
  #shutSince: number | undefined;
  #timer: Timer | undefined;
  /** Shut because the upstream is away, and not because it wants a pause. */
  #isOutage = false;
  #pauseTold = false;
  #probing = false;
  #closed = false;
  #everAnswered = false;
  #refusals = 0;

  constructor(options: UpstreamGateOptions) {
    this.#options = options;
  }

  get shut(): boolean {
    return this.#shutSince !== undefined;
  }

  /** Undefined: go on at once. Otherwise whether the row may go on when its turn has come: false when the run ends. */
  enter(): Promise<boolean> | undefined {
    if (this.#closed) return Promise.resolve(false);
    if (this.#shutSince === undefined) return undefined;
    if (this.#timer === undefined && !this.#probing) {
      this.#probing = true;
      return undefined;
    }
    return this.#queued();
  }

  /** The upstream has answered something. */
  answered(): void {
    this.#everAnswered = true;
    this.#refusals = 0;
    if (this.#shutSince === undefined || !this.#options.breakerClosed()) return;
    this.#shutSince = undefined;
    this.#probing = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isOutage) this.#options.onState({ kind: 'up' });
    this.#isOutage = false;
    for (const go of this.#waiting.splice(0)) go(true);
  }

  /** A row has ended failed by the upstream. Only while the gate is shut it matters: the probe is over. */
  failed(): void {
    if (this.#shutSince !== undefined)
      this.#shutFor(defaultProbeDelayMs, 'the calls that were tried have failed', true);
  }

  /** The upstream is away; the row waits for its turn. */
  away(delayMs: number, reason: string): Promise<boolean> {
    return this.#closed ? Promise.resolve(false) : this.#awaitTurn(delayMs, reason, true);
  }

  /** The upstream asks for a pause: this row's alone, or everybody's when it asks again and again. */
  asksForPause(delayMs: number, reason: string): Promise<boolean> {
    this.#refusals += 1;
    if (!this.#pauseTold) this.#options.onFirstPause(reason);
    this.#pauseTold = true;
    if (delayMs > this.#limitMs() && !this.#closed) {
      this.#giveUp(`${reason}, and asks to come back in ${formatDuration(delayMs)}`);
      return Promise.resolve(false);
    }
    if (this.#closed || this.#refusals >= refusalsInARow || this.#shutSince !== undefined) {
      return this.#closed ? Promise.resolve(false) : this.#awaitTurn(delayMs, reason, false);
    }
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(delayMs, () => {
        this.#pausing.delete(resolve);
        resolve(true);
      });
      this.#pausing.set(resolve, timer);
    });
  }

  /** The run ends: whoever waits goes home. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const [go, timer] of this.#pausing) {
      timer.cancel();
      go(false);
    }
    this.#pausing.clear();
    for (const go of this.#waiting.splice(0)) go(false);
  }

  #awaitTurn(delayMs: number, reason: string, isOutage: boolean): Promise<boolean> {
    this.#shutFor(delayMs, reason, isOutage);
    return this.#closed ? Promise.resolve(false) : this.#queued();
  }

  #queued(): Promise<boolean> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #limitMs(): number {
    const { beforeFirstAnswer, afterwards } = this.#options.maxOutageMs;
    return this.#everAnswered ? afterwards : beforeFirstAnswer;
  }

  #shutFor(delayMs: number, reason: string, isOutage: boolean): void {
    const { clock, onState } = this.#options;
    const now: number = clock.now();
    this.#shutSince ??= now;
    if (isOutage && !this.#isOutage) {
      this.#isOutage = true;
      this.#options.onOutage(reason, this.#everAnswered, this.#limitMs());
    }
    this.#probing = false;
    const deadline = this.#shutSince + this.#limitMs();
    if (now >= deadline) {
      this.#giveUp(`${reason} (no answer for ${formatDuration(now - this.#shutSince)})`);
      return;
    }
    const probeAt = Math.min(now + delayMs, deadline);
    this.#timer?.cancel();
    this.#timer = clock.setTimer(probeAt - now, () => this.#probe());
    if (this.#isOutage) onState({ kind: 'down', sinceAt: this.#shutSince, nextProbeAt: probeAt });
  }

  #giveUp(reason: string): void {
    this.close();
    this.#options.onUnavailable(reason);
  }

  #probe(): void {
    this.#timer = undefined;
    if (this.#isOutage) this.#options.onState({ kind: 'probing', sinceAt: this.#shutSince ?? 0 });
    const probes = this.#waiting.splice(0, this.#options.probes);
    this.#probing = probes.length > 0;
    for (const go of probes) go(true);
  }
}
