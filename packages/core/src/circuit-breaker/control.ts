/** One control for many breakers: what an operator's switch, or a deployment, commands them by. */
import type { CircuitBreaker } from './circuit-breaker.ts';

/** Commands many breakers at once; see {@link circuitControl}. */
export interface CircuitControl {
  /** The breakers that it has. */
  readonly breakers: readonly CircuitBreaker[];
  /**
   * Puts a breaker under this control, and returns it. Where the control has isolated the others, the new one is isolated
   * too. A breaker that nobody else knows any more is forgotten.
   */
  add<Breaker extends CircuitBreaker>(breaker: Breaker): Breaker;
  /** Takes a breaker out of this control, whose isolations no longer hold it. */
  remove(breaker: CircuitBreaker): void;
  /** Isolates all breakers, those included that are added meanwhile, until the returned function is called. */
  isolate(reason?: string): () => void;
  /** Opens all breakers for a break; not those that are isolated. */
  forceOpen(reason?: string): void;
  /** Has all breakers let their next calls through as probes; not those that are isolated. */
  forceHalfOpen(reason?: string): void;
  /** Closes all breakers and ends their isolations, by whomever. */
  reset(): void;
}

/** One control for many breakers: `const breaker = control.add(circuitBreaker())`. It keeps none of them alive. */
export function circuitControl(): CircuitControl {
  return new WeakControl();
}

/** An isolation of all breakers, with what releases each. */
interface Isolation {
  readonly reason: string | undefined;
  readonly releases: WeakMap<CircuitBreaker, () => void>;
}

class WeakControl implements CircuitControl {
  private readonly refs: Set<WeakRef<CircuitBreaker>> = new Set();
  private readonly refOf: WeakMap<CircuitBreaker, WeakRef<CircuitBreaker>> = new WeakMap();
  private readonly isolations: Set<Isolation> = new Set();
  /** At how many references it is time to look for those whose breakers are gone. */
  private sweepAt = 16;

  get breakers(): readonly CircuitBreaker[] {
    const alive: CircuitBreaker[] = [];
    for (const ref of this.refs) {
      const breaker = ref.deref();
      if (breaker === undefined) this.refs.delete(ref);
      else alive.push(breaker);
    }
    return alive;
  }

  add<Breaker extends CircuitBreaker>(breaker: Breaker): Breaker {
    if (this.refOf.has(breaker)) return breaker;
    if (this.refs.size >= this.sweepAt) this.sweepAt = 2 * Math.max(8, this.breakers.length);
    const ref = new WeakRef<CircuitBreaker>(breaker);
    this.refs.add(ref);
    this.refOf.set(breaker, ref);
    for (const { reason, releases } of this.isolations) releases.set(breaker, breaker.isolate(reason));
    return breaker;
  }

  remove(breaker: CircuitBreaker): void {
    this.refs.delete(this.refOf.get(breaker)!);
    this.refOf.delete(breaker);
    for (const { releases } of this.isolations) releases.get(breaker)?.();
  }

  isolate(reason?: string): () => void {
    const isolation: Isolation = { reason, releases: new WeakMap() };
    this.isolations.add(isolation);
    for (const breaker of this.breakers) isolation.releases.set(breaker, breaker.isolate(reason));
    return () => {
      this.isolations.delete(isolation);
      for (const breaker of this.breakers) isolation.releases.get(breaker)?.();
    };
  }

  forceOpen(reason?: string): void {
    for (const breaker of this.breakers) breaker.forceOpen(reason);
  }

  forceHalfOpen(reason?: string): void {
    for (const breaker of this.breakers) breaker.forceHalfOpen(reason);
  }

  reset(): void {
    this.isolations.clear();
    for (const breaker of this.breakers) breaker.reset();
  }
}
