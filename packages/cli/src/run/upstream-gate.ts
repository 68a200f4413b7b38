/**
 * Where rows wait while the upstream is away, so that an outage costs no row its attempts.
 *
 * The gate is outside of the pipeline. A row that comes out of it refused (by the open breaker, by a 429, by a host
 * that cannot be reached) waits here and goes again with all its attempts. While the gate is shut one row at a time is
 * let through, when the breaker's pause is over; its answer opens the gate for all, its failure lengthens the wait. The
 * row that was let through goes to the end of the queue, so that one row that always fails cannot keep the gate shut.
 */
import type { Clock, Timer } from 'breakwater/clock';
import type { UpstreamState } from './observer.ts';

export interface UpstreamGateOptions {
  readonly clock: Clock;
  /** How long nothing may be answered, in milliseconds, before and after the first answer. */
  readonly maxOutageMs: { readonly beforeFirstAnswer: number; readonly afterwards: number };
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
  #nextProbeAt = 0;
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
    if (this.#shutSince === undefined) return;
    this.#shutSince = undefined;
    this.#probing = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#options.onState({ kind: 'up' });
    for (const go of this.#waiting.splice(0)) go(true);
  }

  /** A row has ended failed by the upstream. Only while the gate is shut it matters: the probe is over. */
  failed(): void {
    if (this.#shutSince !== undefined) this.#shutFor(defaultProbeDelayMs, 'the calls that were tried have failed');
  }

  /** The upstream is away; the row waits for its turn. */
  away(delayMs: number, reason: string): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    this.#shutFor(delayMs, reason);
    return this.#closed ? Promise.resolve(false) : this.#queued();
  }

  /** The upstream asks for a pause: this row's alone, or everybody's when it asks again and again. */
  asksForPause(delayMs: number, reason: string): Promise<boolean> {
    this.#refusals += 1;
    const lasting = delayMs > this.#limitMs();
    if (this.#closed || lasting || this.#refusals >= refusalsInARow || this.#shutSince !== undefined) {
      return this.away(delayMs, reason);
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

  #queued(): Promise<boolean> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #limitMs(): number {
    const { beforeFirstAnswer, afterwards } = this.#options.maxOutageMs;
    return this.#everAnswered ? afterwards : beforeFirstAnswer;
  }

  #shutFor(delayMs: number, reason: string): void {
    const { clock, onState, onUnavailable } = this.#options;
    const now: number = clock.now();
    this.#shutSince ??= now;
    this.#probing = false;
    const deadline = this.#shutSince + this.#limitMs();
    if (now >= deadline || delayMs > this.#limitMs()) {
      this.close();
      onUnavailable(reason);
      return;
    }
    const probeAt = Math.min(now + delayMs, deadline);
    if (this.#timer !== undefined && probeAt <= this.#nextProbeAt) return;
    this.#timer?.cancel();
    this.#nextProbeAt = probeAt;
    this.#timer = clock.setTimer(probeAt - now, () => this.#probe());
    onState({ kind: 'down', sinceAt: this.#shutSince, nextProbeAt: probeAt });
  }

  #probe(): void {
    this.#timer = undefined;
    const first = this.#waiting.shift();
    this.#options.onState({ kind: 'probing', sinceAt: this.#shutSince ?? 0 });
    if (first === undefined) return;
    this.#probing = true;
    first(true);
  }
}
