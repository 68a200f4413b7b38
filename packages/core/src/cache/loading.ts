/**
 * How a value that is not there, or not fresh, comes to be.
 *
 * There is one flight a key. It asks the second tier, then the loader, keeps what comes and serves everybody who waits.
 * Callers come and go with their own limits; the flight lives until its load ends or `maxLoadMs` is over.
 *
 * ```text
 *   ask ─▶ stale within its window? ─▶ serve it, fly in the background
 *     └──▶ failed lately? ─▶ its error, or the stale value
 *     └──▶ wait for the flight ◀── second tier: fresh ─▶ keep in memory, serve
 *                               └─ loader: value ─▶ keep in both (unless fenced), serve
 *                                          error ─▶ the stale value within its grace, or the error
 * ```
 *
 * A flight keeps what it loaded only if nothing it belongs to was invalidated since it began. Who came after that
 * invalidation is not served by it either, but by the next flight.
 */
import type { TimeoutQueue } from '../clock/timeout-queue.ts';
import { CacheLoadTimeoutError, cacheTimeout } from './errors.ts';
import type { CacheCore } from './core.ts';
import type { CacheEntry } from './entry.ts';
import { Flight, type FlightObserver } from './flight.ts';
import { checkKey, shownKey } from './key.ts';
import type { Loader } from './loader.ts';
import { graceOf } from './options.ts';
import { MemoryStore } from './stores/memory/memory-store.ts';
import type { TierAnswer } from './tier/tier-answer.ts';
import { type LoadRequest, Waiter } from './waiter.ts';

/** How many errors of loads are remembered at most. */
const MOST_FAILURES = 10_000;

interface LoadFailure {
  readonly error: unknown;
}

export class Loading<Value> implements FlightObserver<Value> {
  private readonly core: CacheCore<Value>;
  private readonly timeouts: TimeoutQueue;
  private readonly flights: Map<string, Flight<Value>> = new Map();
  private readonly lookups: Map<string, Flight<Value>> = new Map();
  /** All that run, those included that an invalidation has cut off. */
  private readonly active: Set<Flight<Value>> = new Set();
  private failures: MemoryStore<LoadFailure> | undefined = undefined;
  private idle: (() => void)[] = [];

  constructor(core: CacheCore<Value>, timeouts: TimeoutQueue) {
    this.core = core;
    this.timeouts = timeouts;
  }

  /** How many loads run. */
  get running(): number {
    return this.active.size;
  }

  isLoading(text: string): boolean {
    return this.flights.has(text);
  }

  /** Calls `callback` when no load runs. */
  whenIdle(callback: () => void): void {
    if (this.running === 0) callback();
    else this.idle.push(callback);
  }

  /** Answers a caller for whom there is no fresh value in memory. */
  ask(request: LoadRequest<Value>, entry: CacheEntry<Value> | undefined): Promise<Value> {
    const { core } = this;
    const { options, text } = request;
    options.signal?.throwIfAborted();
    const now = core.memory.now();
    if (entry !== undefined && now < entry.freshUntil + options.staleWhileRevalidateMs) {
      core.countHit('memory', true, text);
      this.refresh(request, entry);
      return core.promised(entry.value);
    }
    core.countMiss(text);
    const failure = this.flights.has(text) ? undefined : this.failures?.get(text);
    if (failure !== undefined) return this.afterFailure(request, entry, failure, now);
    return this.enlist(request, entry);
  }

  /** Answers a caller who only looks: what the second tier has, or undefined. */
  look(request: LoadRequest<Value>): Promise<Value | undefined> {
    request.options.signal?.throwIfAborted();
    return this.enlist(request, undefined);
  }

  /** Loads in the background, unless that is being done or has failed lately. */
  refresh(request: LoadRequest<Value>, entry: CacheEntry<Value> | undefined): void {
    const { text } = request;
    if (this.flights.has(text) || this.failures?.get(text) !== undefined) return;
    this.start(request, entry);
  }

  /** What runs for this key is not kept and serves nobody who comes later. */
  fence(text: string): void {
    for (const flights of [this.flights, this.lookups]) {
      const flight = flights.get(text);
      if (flight === undefined) continue;
      flight.invalidated = true;
      flights.delete(text);
    }
    this.failures?.delete(text);
  }

  /** The same for every key. */
  fenceAll(): void {
    for (const flights of [this.flights, this.lookups]) {
      for (const flight of flights.values()) flight.invalidated = true;
      flights.clear();
    }
    this.failures?.clear();
  }

  /** Ends all loads with `error`. */
  abortAll(error: unknown): void {
    for (const flight of [...this.active]) this.end(flight, error);
  }

  softTimeout(flight: Flight<Value>, waiter: Waiter<Value>): void {
    const stale = this.usable(flight, waiter);
    if (stale === undefined) return;
    this.core.countHit('memory', true, waiter.request.text);
    this.give(waiter, stale.value);
  }

  hardTimeout(waiter: Waiter<Value>): void {
    const { hardTimeoutMs } = waiter.request.options;
    waiter.fail(cacheTimeout(this.core.name, hardTimeoutMs));
  }

  loadTimedOut(flight: Flight<Value>): void {
    this.end(flight, new CacheLoadTimeoutError(this.core.name, flight.request.options.maxLoadMs));
  }

  private afterFailure(
    request: LoadRequest<Value>,
    entry: CacheEntry<Value> | undefined,
    failure: LoadFailure,
    now: number,
  ): Promise<Value> {
    if (entry !== undefined && now < entry.freshUntil + request.options.staleIfErrorMs) {
      this.core.countHit('memory', true, request.text);
      return this.core.promised(entry.value);
    }
    this.core.counters.cooledDown++;
    return Promise.reject(failure.error);
  }

  private enlist(request: LoadRequest<Value>, entry: CacheEntry<Value> | undefined): Promise<Value> {
    const flights = request.loader === undefined ? this.lookups : this.flights;
    let flight = flights.get(request.text);
    if (flight !== undefined) this.core.counters.sharedFlights++;
    const isNew = flight === undefined;
    flight ??= this.prepare(request, entry);
    const waiter = new Waiter(flight, request, entry, this.core.fences.sequence);
    flight.board(waiter);
    waiter.begin(this.timeouts);
    if (isNew) void this.fly(flight);
    return waiter.promise;
  }

  private start(request: LoadRequest<Value>, entry: CacheEntry<Value> | undefined): void {
    void this.fly(this.prepare(request, entry));
  }

  private prepare(request: LoadRequest<Value>, entry: CacheEntry<Value> | undefined): Flight<Value> {
    checkKey(request.text);
    const { core } = this;
    const lane = this.timeouts.lane(request.options.maxLoadMs);
    const flight = new Flight(this, lane, request, entry, core.fences.sequence, core.memory.now());
    (request.loader === undefined ? this.lookups : this.flights).set(request.text, flight);
    this.active.add(flight);
    lane.add(flight);
    return flight;
  }

  /** Never rejects. */
  private async fly(flight: Flight<Value>): Promise<void> {
    const { tier } = this.core;
    const { text, loader, options } = flight.request;
    let release: (() => void) | undefined;
    try {
      if (tier !== undefined) {
        const answer = await tier.find(text, loader === undefined ? 'hard' : 'soft', options.tags);
        if (flight.ended || this.fromTier(flight, answer)) return;
        const turn = loader === undefined ? undefined : await tier.turn(text, options.tags);
        release = turn?.release;
        if (flight.ended || (turn?.answer !== undefined && this.fromTier(flight, turn.answer))) return;
      }
      if (loader === undefined) this.finish(flight, undefined as Value);
      else this.loaded(flight, await this.load(flight, loader));
    } catch (error) {
      this.failed(flight, error);
    } finally {
      if (release !== undefined) void (flight.written ?? Promise.resolve()).then(release);
    }
  }

  private load(flight: Flight<Value>, loader: Loader<Value, never>): Value | PromiseLike<Value> {
    const { core } = this;
    core.counters.loads++;
    const context = flight.answer.context(flight.stale, core.memory.now());
    const key = flight.request.key as never;
    const { loaderPipeline } = core.options;
    if (loaderPipeline === undefined) return loader(key, context);
    const { signal, stale, describe, skip, notModified } = { ...context, signal: flight.answer.signal };
    const guarded = (run: { readonly signal: AbortSignal }): Value | PromiseLike<Value> =>
      loader(key, { signal: run.signal, stale, describe, skip, notModified });
    return loaderPipeline.execute(guarded, { signal, key: shownKey(flight.request.text) }) as Promise<Value>;
  }

  /** Takes what the second tier says; true when that was all that was wanted. */
  private fromTier(flight: Flight<Value>, answer: TierAnswer<Value>): boolean {
    const { core } = this;
    const { found } = answer;
    flight.tierAnswer = answer;
    if (found === undefined) return false;
    const entry = core.entryFromTier(found, flight.sequence);
    const isFresh = found.freshMs > 0;
    if (isFresh) {
      core.countHit('second', false, flight.request.text);
      if (this.mayKeep(flight, entry)) core.keep(flight.request.text, entry);
      this.serve(flight, entry);
      return true;
    }
    if (flight.request.loader === undefined) return false;
    flight.stale = entry;
    const { staleWhileRevalidateMs } = flight.request.options;
    if (-found.freshMs < staleWhileRevalidateMs && this.mayKeep(flight, entry)) {
      for (const waiter of [...flight.waiters]) {
        core.countHit('second', true, flight.request.text);
        this.give(waiter, entry.value);
      }
    }
    return false;
  }

  private mayKeep(flight: Flight<Value>, entry: CacheEntry<Value>): boolean {
    return !flight.invalidated && this.core.fences.admits(entry);
  }

  private loaded(flight: Flight<Value>, value: Value): void {
    const { core } = this;
    if (flight.ended) return core.tell('cache-late-load', flight.request.text, { outcome: 'success' });
    const entry = core.entryOf(value, flight);
    const isFenced = !this.mayKeep(flight, entry);
    const isKept = !isFenced && entry.freshUntil > entry.createdAt;
    if (isFenced) core.counters.fenced++;
    this.failures?.delete(flight.request.text);
    if (isKept) core.keepLoaded(flight, entry);
    else if (!isFenced && !flight.answer.skipped) core.memory.delete(flight.request.text);
    if (core.wants('cache-load')) {
      const durationMs = core.memory.now() - flight.startedAt;
      const disposition = isFenced ? 'fenced' : isKept ? 'kept' : 'skipped';
      core.tell('cache-load', flight.request.text, { durationMs, outcome: 'success', disposition });
    }
    this.serve(flight, entry);
  }

  /** Gives the value to those who came before it was invalidated, and lets the others wait for the next. */
  private serve(flight: Flight<Value>, entry: CacheEntry<Value>): void {
    // Which of several invalidations was whose is not kept: who came after any of them waits for the next load.
    const isVoid = this.core.fences.lastOf(entry.tags) > flight.sequence;
    const late = isVoid ? [...flight.waiters].filter((waiter) => waiter.sequence > flight.sequence) : [];
    for (const waiter of late) flight.left(waiter);
    this.finish(flight, entry.value);
    for (const waiter of late) this.transfer(waiter);
  }

  private transfer(waiter: Waiter<Value>): void {
    const { request } = waiter;
    const flights = request.loader === undefined ? this.lookups : this.flights;
    const next = flights.get(request.text);
    if (next !== undefined) {
      next.board(waiter);
      return;
    }
    const flight = this.prepare(request, undefined);
    flight.board(waiter);
    void this.fly(flight);
  }

  private finish(flight: Flight<Value>, value: Value): void {
    this.close(flight);
    for (const waiter of [...flight.waiters]) this.give(waiter, value);
  }

  private give(waiter: Waiter<Value>, value: Value): void {
    try {
      waiter.serve(this.core.shown(value));
    } catch (error) {
      // A value that can't be cloned.
      waiter.fail(error);
    }
  }

  private failed(flight: Flight<Value>, error: unknown): void {
    if (flight.ended) this.core.tell('cache-late-load', flight.request.text, { outcome: 'failure' });
    else this.end(flight, error);
  }

  private end(flight: Flight<Value>, error: unknown): void {
    const { core } = this;
    const { text, options } = flight.request;
    this.close(flight);
    flight.answer.abort(error);
    core.counters.loadFailures++;
    if (options.failureTtlMs > 0 && !flight.invalidated) this.rememberFailure(text, error, options.failureTtlMs);
    let servedStale = false;
    for (const waiter of [...flight.waiters]) {
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

  /** The stale value that may stand in for this caller, if it has not been invalidated since. */
  private usable(flight: Flight<Value>, waiter: Waiter<Value>): CacheEntry<Value> | undefined {
    const stale = waiter.stale ?? flight.stale;
    if (stale === undefined || flight.invalidated || !this.core.fences.admits(stale)) return undefined;
    const goneAt = Math.max(stale.goneAt, stale.freshUntil + graceOf(waiter.request.options));
    return this.core.memory.now() < goneAt ? stale : undefined;
  }

  private rememberFailure(text: string, error: unknown, failureTtlMs: number): void {
    const { clock, random } = this.core;
    this.failures ??= new MemoryStore({ maxEntries: MOST_FAILURES, jitterRatio: 0, clock, random });
    this.failures.set(text, { error }, failureTtlMs);
  }

  private close(flight: Flight<Value>): void {
    flight.ended = true;
    flight.lane.remove(flight);
    this.active.delete(flight);
    const flights = flight.request.loader === undefined ? this.lookups : this.flights;
    if (flights.get(flight.request.text) === flight) flights.delete(flight.request.text);
    if (this.running > 0 || this.idle.length === 0) return;
    const callbacks = this.idle;
    this.idle = [];
    for (const callback of callbacks) callback();
  }
}
