/** What an operator, or a program in an operator's place, sees of a breaker and can tell it. */
import type { CircuitState, CircuitTransition } from './events.ts';
import { ageOf, checkSnapshot, type CircuitSnapshot, stateOf } from './snapshot.ts';
import { StateMachine } from './state-machine.ts';
import type { BreakerState } from './states.ts';

export abstract class ControlSurface extends StateMachine {
  /** What it was hydrated with before it met its clock. */
  private hydrated: { readonly snapshot: CircuitSnapshot; readonly state: BreakerState } | undefined = undefined;

  // --- what there is to see ---

  get state(): CircuitState {
    return this.present(this.clock.now()).kind;
  }

  get timeInStateMs(): number {
    const now = this.clock.now();
    return now - this.present(now).since;
  }

  get retryAfterMs(): number {
    const now = this.clock.now();
    return retryAfterMs(this.present(now), now);
  }

  /** Not once its break is over: what remains to be remembered then is that one should try, as a new breaker does. */
  get isBusy(): boolean {
    const now = this.clock.now();
    const state = this.present(now);
    return state.kind === 'isolated' || (state.kind === 'open' && state.reopensAt > now);
  }

  get openedAt(): number | undefined {
    this.present(this.clock.now());
    return this.lastOpenedAt;
  }

  get lastError(): unknown {
    return this.lastFailure;
  }

  get failureRatio(): number {
    return this.failuresAt(this.clock.now()).ratio;
  }

  get slowCallRatio(): number {
    return this.window.slowCallRatio?.(this.clock.now()) ?? 0;
  }

  get throughput(): number {
    return this.window.throughput(this.clock.now());
  }

  get history(): readonly CircuitTransition[] {
    this.present(this.clock.now());
    return [...this.transitions];
  }

  /** The state as it is at the time `now`: leases that have ended by then count. */
  private present(now: number): BreakerState {
    this.loseExpiredProbes(now);
    return this.current;
  }

  // --- what there is to do ---

  isolate(reason = 'isolated'): () => void {
    const { current } = this;
    const holders = current.kind === 'isolated' ? current.holders : new Map<() => void, string>();
    const release = (): void => {
      if (!holders.delete(release) || holders.size > 0) return;
      const isStillTheirs = this.current.kind === 'isolated' && this.current.holders === holders;
      if (isStillTheirs) this.close({ reason: 'isolation released' }, true);
    };
    holders.set(release, reason);
    if (current.kind !== 'isolated') this.become({ kind: 'isolated', since: this.clock.now(), holders }, { reason });
    return release;
  }

  forceOpen(reason = 'forced'): boolean {
    const now = this.clock.now();
    if (this.present(now).kind === 'isolated') return false;
    this.open(now, { reason });
    return true;
  }

  forceHalfOpen(reason = 'forced'): boolean {
    if (this.current.kind === 'isolated') return false;
    this.halfOpen({ reason });
    return true;
  }

  reset(): void {
    this.close({ reason: 'reset' }, false);
  }

  hydrate(given: CircuitSnapshot): void {
    const snapshot = checkSnapshot(given);
    const state = stateOf(snapshot, this.clock, this.probeRules);
    this.hydrated = this.boundClock === undefined ? { snapshot, state } : undefined;
    this.become(state, { reason: 'hydrated' }, () => this.takeOver(snapshot));
  }

  toJSON(): CircuitSnapshot {
    const now = this.clock.now();
    const state = this.present(now);
    const counts = this.window.save?.(now);
    return {
      version: 1,
      state: state.kind,
      savedAt: this.clock.wallTime(),
      timeInStateMs: now - state.since,
      halfOpenAttempts: this.halfOpenAttempts,
      openedAt: this.lastOpenedAt,
      breakMs: state.kind === 'open' ? state.breakMs : undefined,
      retryAfterMs: state.kind === 'open' ? retryAfterMs(state, now) : undefined,
      ramping: state.kind === 'closed' ? state.ramping : undefined,
      reasons: state.kind === 'isolated' ? [...state.holders.values()] : undefined,
      window: counts && { rule: this.rule.kind, counts },
    };
  }

  // --- its clock ---

  /** The breaker has met its clock, by which its state begins now: what another clock has said means nothing here. */
  protected beginAgain(): void {
    const now = this.clock.now();
    if (this.hydrated?.state === this.current) {
      this.current = stateOf(this.hydrated.snapshot, this.clock, this.probeRules);
      this.takeOver(this.hydrated.snapshot);
    } else {
      this.current.since = now;
      if (this.current.kind === 'open') this.current.reopensAt = now + this.current.breakMs;
    }
    this.hydrated = undefined;
    this.onArrival(this.current);
  }

  private takeOver(snapshot: CircuitSnapshot): void {
    this.halfOpenAttempts = snapshot.halfOpenAttempts;
    this.lastOpenedAt = snapshot.openedAt;
    this.window.clear();
    const { window } = snapshot;
    if (window?.rule !== this.rule.kind) return;
    this.window.restore?.(window.counts, ageOf(snapshot, this.clock), this.clock.now());
  }
}

/** When a call has a chance again: the break's end, the end of the oldest lease, or nobody knows. */
export function retryAfterMs(state: BreakerState, now: number): number {
  if (state.kind === 'open') return Math.max(0, state.reopensAt - now);
  if (state.kind === 'half-open') return Math.max(0, state.roomAt(now) - now);
  return state.kind === 'isolated' ? Infinity : 0;
}
