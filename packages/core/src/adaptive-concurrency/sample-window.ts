import type { LimitSample } from './algorithm.ts';

/** Below what clocks can tell. A time of 0 would be a divisor. */
const SHORTEST_MS = 0.001;

/** Collects what calls tell until it is enough for one decision. */
export class SampleWindow {
  private readonly windowMs: number;
  private readonly minSamples: number;
  private readonly toleratedDropRatio: number;
  private endsAt: number | undefined = undefined;
  private answered = 0;
  private drops = 0;
  private rttSum = 0;
  private inflight = 0;

  constructor(windowMs: number, minSamples: number, toleratedDropRatio: number) {
    this.windowMs = windowMs;
    this.minSamples = minSamples;
    this.toleratedDropRatio = toleratedDropRatio;
  }

  /** A call was answered; what is known by now, when that is enough. */
  answer(now: number, rttMs: number, inflight: number): LimitSample | undefined {
    this.answered++;
    this.rttSum += rttMs;
    return this.add(now, inflight);
  }

  /** The upstream could not take a call. */
  drop(now: number, inflight: number): LimitSample | undefined {
    this.drops++;
    return this.add(now, inflight);
  }

  private add(now: number, inflight: number): LimitSample | undefined {
    if (inflight > this.inflight) this.inflight = inflight;
    this.endsAt ??= now + this.windowMs;
    const count = this.answered + this.drops;
    return now < this.endsAt || count < this.minSamples ? undefined : this.close(now, count);
  }

  private close(now: number, count: number): LimitSample {
    const { answered, drops, rttSum, inflight } = this;
    this.endsAt = now + this.windowMs;
    this.answered = this.drops = this.rttSum = this.inflight = 0;
    // Where nothing was answered there is no time to go by, and no reason to tolerate that.
    const dropped = answered === 0 || drops / count > this.toleratedDropRatio;
    return { rttMs: Math.max(rttSum / answered, SHORTEST_MS), inflight, dropped };
  }
}
