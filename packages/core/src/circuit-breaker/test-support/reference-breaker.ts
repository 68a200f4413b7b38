/**
 * The breaker as one would write it who only wants to be right: it keeps lists of all that happened, looks through them
 * each time, and shares nothing with the real one.
 */

/** When a closed breaker opens. */
export type ReferenceRule =
  | { readonly kind: 'consecutive'; readonly failures: number }
  | { readonly kind: 'count'; readonly size: number; readonly failures: number }
  | { readonly kind: 'ratio'; readonly failureRatio: number; readonly minThroughput: number }
  | {
      readonly kind: 'slow';
      readonly slowCallMs: number;
      readonly slowCallRatio: number;
      readonly minThroughput: number;
    };

export interface ReferenceSettings {
  readonly rules: readonly ReferenceRule[];
  readonly samplingMs: number;
  readonly stepsMs: readonly number[];
  readonly maxRetryAfterMs: number;
  readonly probes: number;
  /** How many of the probes must succeed. */
  readonly needed: number;
  readonly leaseMs: number;
  readonly rampMs: number;
  /** What every lot that is drawn comes to, 0 to 1. */
  readonly lot: number;
}

export type ReferenceState = 'closed' | 'open' | 'half-open' | 'isolated';

/** A call that has been let through. */
export interface ReferenceCall {
  readonly era: number;
  readonly probe: boolean;
  readonly startedAt: number;
}

/** How a call ends. `Infinity`: failed without naming a wait. */
export type ReferenceEnd = 'succeeded' | 'aborted' | { readonly retryAfterMs: number };

interface Ended {
  readonly at: number;
  readonly failed: boolean;
  readonly durationMs: number;
}

/** What one breaker leaves to another. */
interface Saved {
  readonly state: ReferenceState;
  readonly wall: number;
  readonly inStateMs: number;
  readonly breakMs: number;
  readonly leftMs: number;
  readonly ramping: boolean;
  readonly attempts: number;
  readonly holders: number;
  /** Each with the number of sub-windows that it lies back in place of its time. */
  readonly calls: readonly (Ended & { readonly back: number })[];
}

const SUB_WINDOWS = 10;

export class ReferenceBreaker {
  state: ReferenceState = 'closed';
  /** How many transitions there have been. */
  era = 0;
  since = 0;
  history: string[] = [];
  private readonly settings: ReferenceSettings;
  private calls: Ended[] = [];
  private probesOut: ReferenceCall[] = [];
  private succeeded = 0;
  private failed = 0;
  private attempts = 0;
  private breakMs = 0;
  private reopensAt = 0;
  private ramping = false;
  private holders = new Set<object>();

  constructor(settings: ReferenceSettings) {
    this.settings = settings;
  }

  // --- what it says ---

  get probesUnderWay(): number {
    return this.probesOut.length;
  }

  retryAfterMs(now: number): number {
    if (this.state === 'open') return Math.max(0, this.reopensAt - now);
    if (this.state === 'isolated') return Infinity;
    if (this.state === 'closed' || this.hasRoom) return 0;
    return Math.min(...this.probesOut.map(({ startedAt }) => startedAt + this.settings.leaseMs)) - now;
  }

  failures(now: number): number {
    const { kind, counted } = this.countedBy(this.settings.rules[0]!, now);
    return kind === 'consecutive' ? counted.length : counted.filter(({ failed }) => failed).length;
  }

  throughput(now: number): number {
    return this.countedBy(this.settings.rules[0]!, now).counted.length;
  }

  slowRatio(now: number): number {
    const rule = this.settings.rules.find(({ kind }) => kind === 'slow');
    if (rule?.kind !== 'slow') return 0;
    const { counted } = this.countedBy(rule, now);
    const slow = counted.filter(({ durationMs }) => durationMs >= rule.slowCallMs);
    return counted.length === 0 ? 0 : slow.length / counted.length;
  }

  // --- calls ---

  /** Whether a call is let through at this time. */
  admits(now: number): boolean {
    this.look(now);
    if (this.state === 'open' && this.reopensAt <= now) this.become('half-open', now);
    if (this.state === 'half-open') return this.hasRoom;
    if (this.state !== 'closed') return false;
    const { rampMs, lot } = this.settings;
    const elapsed = now - this.since;
    if (elapsed >= rampMs) this.ramping = false;
    if (!this.ramping) return true;
    if (elapsed < rampMs / 3) return lot < 0.1;
    return elapsed < (2 * rampMs) / 3 ? lot < 0.25 : lot < 0.5;
  }

  begin(now: number): ReferenceCall {
    const call = { era: this.era, probe: this.state === 'half-open', startedAt: now };
    if (call.probe) this.probesOut.push(call);
    return call;
  }

  end(call: ReferenceCall, end: ReferenceEnd, now: number): void {
    if (call.probe && end !== 'aborted') this.look(now);
    if (call.era !== this.era) return;
    const durationMs = now - call.startedAt;
    if (this.state === 'half-open') this.endProbe(call, end, durationMs, now);
    else if (end !== 'aborted') this.endCall(end, durationMs, now);
  }

  /** Loses the probes whose leases have ended. */
  look(now: number): void {
    for (const probe of [...this.probesOut]) {
      const endsAt = probe.startedAt + this.settings.leaseMs;
      if (this.state === 'half-open' && endsAt <= now) this.probeFailed(probe, Infinity, endsAt);
    }
  }

  // --- commands ---

  isolate(now: number): object {
    const holder = {};
    if (this.state !== 'isolated') this.become('isolated', now);
    this.holders.add(holder);
    return holder;
  }

  release(holder: object, now: number): void {
    if (this.holders.delete(holder) && this.holders.size === 0) this.become('closed', now, true);
  }

  forceOpen(now: number): void {
    this.look(now);
    if (this.state !== 'isolated') this.open(now, Infinity);
  }

  forceHalfOpen(now: number): void {
    if (this.state !== 'isolated') this.become('half-open', now);
  }

  reset(now: number): void {
    this.become('closed', now);
  }

  save(now: number, wall: number): Saved {
    this.look(now);
    const bucketMs = this.settings.samplingMs / SUB_WINDOWS;
    const back = ({ at }: Ended): number => Math.floor(now / bucketMs) - Math.floor(at / bucketMs);
    return {
      state: this.state,
      wall,
      inStateMs: now - this.since,
      breakMs: this.breakMs,
      leftMs: this.retryAfterMs(now),
      ramping: this.ramping,
      attempts: this.attempts,
      holders: this.holders.size,
      calls: this.calls.map((ended) => ({ ...ended, back: back(ended) })),
    };
  }

  hydrate(saved: Saved, now: number, wall: number): void {
    const ageMs = Math.max(0, wall - saved.wall);
    const bucketMs = this.settings.samplingMs / SUB_WINDOWS;
    const newest = Math.floor((now - ageMs) / bucketMs);
    this.become(saved.state, now);
    this.since = now - saved.inStateMs - ageMs;
    this.attempts = saved.attempts;
    this.ramping = saved.ramping;
    this.breakMs = saved.breakMs;
    this.reopensAt = now + Math.max(0, saved.leftMs - ageMs);
    this.holders = new Set(Array.from({ length: saved.holders }, () => ({})));
    this.calls = saved.calls.map(({ back, ...ended }) => ({ ...ended, at: (newest - back) * bucketMs }));
  }

  // --- inside ---

  private get hasRoom(): boolean {
    return this.probesOut.length + this.succeeded + this.failed < this.settings.probes;
  }

  private become(state: ReferenceState, at: number, gently = false): void {
    this.history.push(`${this.state}>${state}`);
    this.state = state;
    this.since = at;
    this.era++;
    this.probesOut = [];
    this.succeeded = this.failed = 0;
    this.holders.clear();
    this.ramping = gently && this.settings.rampMs > 0;
    if (state === 'half-open') this.attempts++;
    if (state === 'closed') {
      this.attempts = 0;
      this.calls = [];
    }
  }

  private open(at: number, namedMs: number): void {
    const { stepsMs, maxRetryAfterMs } = this.settings;
    const steppedMs = stepsMs[Math.min(this.attempts, stepsMs.length - 1)]!;
    this.breakMs = namedMs < Infinity && maxRetryAfterMs > 0 ? Math.min(namedMs, maxRetryAfterMs) : steppedMs;
    this.reopensAt = at + this.breakMs;
    this.become('open', at);
  }

  private endCall(end: Exclude<ReferenceEnd, 'aborted'>, durationMs: number, now: number): void {
    const failed = end !== 'succeeded';
    this.calls.push({ at: now, failed, durationMs });
    if (this.settings.rules.some((rule) => this.tooMuch(rule, failed, durationMs, now)))
      this.open(now, failed ? end.retryAfterMs : Infinity);
  }

  private endProbe(call: ReferenceCall, end: ReferenceEnd, durationMs: number, now: number): void {
    if (!this.probesOut.includes(call)) return;
    const slow = this.settings.rules.some((rule) => rule.kind === 'slow' && durationMs >= rule.slowCallMs);
    if (end === 'aborted') this.probesOut = this.probesOut.filter((other) => other !== call);
    else if (end !== 'succeeded') this.probeFailed(call, end.retryAfterMs, now);
    else if (slow) this.probeFailed(call, Infinity, now);
    else {
      this.probesOut = this.probesOut.filter((other) => other !== call);
      if (++this.succeeded >= this.settings.needed) this.become('closed', now, true);
    }
  }

  private probeFailed(probe: ReferenceCall, namedMs: number, at: number): void {
    this.probesOut = this.probesOut.filter((other) => other !== probe);
    if (this.settings.probes - ++this.failed < this.settings.needed) this.open(at, namedMs);
  }

  private tooMuch(rule: ReferenceRule, failed: boolean, durationMs: number, now: number): boolean {
    const { counted } = this.countedBy(rule, now);
    const failures = counted.filter((call) => call.failed).length;
    if (rule.kind === 'consecutive') return counted.length >= rule.failures;
    if (rule.kind === 'count') return failed && failures >= rule.failures;
    if (counted.length < rule.minThroughput) return false;
    if (rule.kind === 'ratio') return failed && failures / counted.length >= rule.failureRatio;
    return durationMs >= rule.slowCallMs && this.slowRatio(now) >= rule.slowCallRatio;
  }

  /** The calls that a rule goes by at this time: for `consecutive` the failures since the last success. */
  private countedBy(rule: ReferenceRule, now: number): { readonly kind: string; readonly counted: readonly Ended[] } {
    const { kind } = rule;
    if (kind === 'consecutive')
      return { kind, counted: this.calls.slice(this.calls.findLastIndex(({ failed }) => !failed) + 1) };
    if (kind === 'count') return { kind, counted: this.calls.slice(-rule.size) };
    const bucketMs = this.settings.samplingMs / SUB_WINDOWS;
    const oldest = Math.floor(now / bucketMs) - SUB_WINDOWS + 1;
    return { kind, counted: this.calls.filter(({ at }) => Math.floor(at / bucketMs) >= oldest) };
  }
}
