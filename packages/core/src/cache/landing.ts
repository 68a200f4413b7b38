/**
 * How a flight ends, and who of its callers gets what.
 *
 * A flight keeps what it loaded only if nothing it belongs to was invalidated since it began. Who came after that
 * invalidation is not served by it either, but by the next flight.
 */
import type { CacheCore } from './cache-core.ts';
import type { CacheEntry } from './cache-entry.ts';
import type { Flight } from './flight.ts';
import type { Flights } from './flights.ts';
import type { LoadFailures } from './load-failures.ts';
import { graceOf } from './options.ts';
import type { TierAnswer } from './tier/tier-answer.ts';
import type { Waiter } from './waiter.ts';

/** Where flights land. */
export class Landing<Value> {
  private readonly core: CacheCore<Value>;
  private readonly flights: Flights<Value>;
  private readonly failures: LoadFailures;
  private readonly takeNext: (waiter: Waiter<Value>) => void;

  /** @param takeNext Puts a caller on the next flight of its key. */
  constructor(
    core: CacheCore<Value>,
    flights: Flights<Value>,
    failures: LoadFailures,
    takeNext: (waiter: Waiter<Value>) => void,
  ) {
    this.core = core;
    this.flights = flights;
    this.failures = failures;
    this.takeNext = takeNext;
  }

  /**
   * Takes what the second tier says; true when that was all that was wanted.
   *
   * @param mayBeEarly Whether a fresh value whose time to be loaded anew has come is to be: false when somebody else does.
   */
  fromTier(flight: Flight<Value>, answer: TierAnswer<Value>, mayBeEarly: boolean): boolean {
    const { core } = this;
    const { found } = answer;
    flight.tierAnswer = answer;
    if (found === undefined) return false;
    const entry = core.entryFromTier(found, flight.sequence);
    const isFresh = found.freshMs > 0;
    const isEarly = isFresh && mayBeEarly && flight.request.loader !== undefined && core.memory.now() >= entry.eagerAt;
    if (isFresh && !isEarly) {
      core.countHit('second', false, flight.request.text);
      if (this.mayKeep(flight, entry)) core.keep(flight.request.text, entry);
      this.serve(flight, entry);
      return true;
    }
    if (flight.request.loader === undefined) return false;
    flight.stale = entry;
    const isServed = isEarly || -found.freshMs < flight.request.options.staleWhileRevalidateMs;
    if (isServed && this.mayKeep(flight, entry)) this.serveMeanwhile(flight, entry, !isFresh);
    return false;
  }

  /** Takes what was loaded. */
  loaded(flight: Flight<Value>, value: Value): void {
    const { core } = this;
    if (flight.ended) return core.tell('cache-late-load', flight.request.text, { outcome: 'success' });
    const entry = core.entryOf(value, flight);
    const isFenced = !this.mayKeep(flight, entry);
    const isKept = !isFenced && entry.freshUntil > entry.createdAt;
    if (isFenced) core.counters.fenced++;
    this.failures.forget(flight.request.text);
    if (isKept) core.keepLoaded(flight, entry);
    else if (!isFenced && !flight.answer.skipped) core.memory.delete(flight.request.text);
    if (core.wants('cache-load')) {
      const durationMs = core.memory.now() - flight.startedAt;
      const disposition = isFenced ? 'fenced' : isKept ? 'kept' : 'skipped';
      core.tell('cache-load', flight.request.text, { durationMs, outcome: 'success', disposition });
    }
    this.serve(flight, entry);
  }

  /** There is no value, and nobody wanted it loaded. */
  foundNothing(flight: Flight<Value>): void {
    this.finish(flight, undefined as Value);
  }

  failed(flight: Flight<Value>, error: unknown): void {
    if (flight.ended) this.core.tell('cache-late-load', flight.request.text, { outcome: 'failure' });
    else this.end(flight, error);
  }

  /** Ends a flight, whether or not its load has ended. */
  end(flight: Flight<Value>, error: unknown): void {
    const { core } = this;
    const { text, options } = flight.request;
    this.flights.remove(flight);
    flight.answer.abort(error);
    core.counters.loadFailures++;
    if (options.failureTtlMs > 0 && !flight.invalidated) this.failures.remember(text, error, options.failureTtlMs);
    let servedStale = false;
    for (const waiter of flight.waiters) {
      const stale = this.usable(flight, waiter);
      if (stale !== undefined && core.memory.now() < stale.freshUntil + waiter.request.options.staleIfErrorMs) {
        servedStale = true;
        core.countHit('memory', true, text);
        this.give(waiter, stale.value);
      } else waiter.fail(error);
    }
    if (core.wants('cache-load-failed')) {
      const durationMs = core.memory.now() - flight.startedAt;
      core.tell('cache-load-failed', text, { durationMs, outcome: 'failure', error, servedStale });
    }
  }

  /** Gives a caller the stale value, where there is one that it may have; the flight goes on. */
  giveStale(flight: Flight<Value>, waiter: Waiter<Value>): void {
    const stale = this.usable(flight, waiter);
    if (stale === undefined) return;
    this.core.countHit('memory', true, waiter.request.text);
    this.give(waiter, stale.value);
  }

  private mayKeep(flight: Flight<Value>, entry: CacheEntry<Value>): boolean {
    return !flight.invalidated && this.core.fences.admits(entry);
  }

  /** Gives the value to those who came before it was invalidated, and lets the others wait for the next. */
  private serve(flight: Flight<Value>, entry: CacheEntry<Value>): void {
    // Which of several invalidations was whose is not kept: who came after any of them waits for the next load.
    const isVoid = this.core.fences.lastOf(entry.tags) > flight.sequence;
    const late = isVoid ? flight.waiters.filter((waiter) => waiter.sequence > flight.sequence) : [];
    for (const waiter of late) flight.left(waiter);
    this.finish(flight, entry.value);
    for (const waiter of late) this.takeNext(waiter);
  }

  /** Gives callers what there is, while the flight goes on. */
  private serveMeanwhile(flight: Flight<Value>, entry: CacheEntry<Value>, stale: boolean): void {
    if (!stale) this.core.keep(flight.request.text, entry);
    for (const waiter of flight.waiters) {
      this.core.countHit('second', stale, flight.request.text);
      this.give(waiter, entry.value);
    }
  }

  private finish(flight: Flight<Value>, value: Value): void {
    this.flights.remove(flight);
    for (const waiter of flight.waiters) this.give(waiter, value);
  }

  private give(waiter: Waiter<Value>, value: Value): void {
    try {
      waiter.serve(this.core.shown(value));
    } catch (error) {
      // A value that can't be cloned.
      waiter.fail(error);
    }
  }

  /** The stale value that may stand in for this caller, if it has not been invalidated since. */
  private usable(flight: Flight<Value>, waiter: Waiter<Value>): CacheEntry<Value> | undefined {
    const stale = waiter.stale ?? flight.stale;
    if (stale === undefined || flight.invalidated || !this.core.fences.admits(stale)) return undefined;
    const goneAt = Math.max(stale.goneAt, stale.freshUntil + graceOf(waiter.request.options));
    return this.core.memory.now() < goneAt ? stale : undefined;
  }
}
