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
 * How flights end is in landing.ts.
 */
import type { TimeoutQueue } from '../clock/timeout-queue.ts';
import { CacheLoadTimeoutError, cacheTimeout } from './errors.ts';
import type { CacheCore } from './cache-core.ts';
import type { CacheEntry } from './cache-entry.ts';
import { Flight, type FlightObserver } from './flight.ts';
import { Flights } from './flights.ts';
import { checkKey, shownKey } from './cache-key.ts';
import { Landing } from './landing.ts';
import { type LoadFailure, LoadFailures } from './load-failures.ts';
import type { Loader } from './loader.ts';
import type { TierAnswer } from './tier/tier-answer.ts';
import type { Turn } from './tier/turns.ts';
import { type LoadRequest, Waiter } from './waiter.ts';

export class Loading<Value> implements FlightObserver<Value> {
  private readonly core: CacheCore<Value>;
  private readonly timeouts: TimeoutQueue;
  private readonly flights: Flights<Value> = new Flights();
  private readonly failures: LoadFailures;
  private readonly landing: Landing<Value>;

  constructor(core: CacheCore<Value>, timeouts: TimeoutQueue) {
    this.core = core;
    this.timeouts = timeouts;
    this.failures = new LoadFailures(core.clock, core.random);
    this.landing = new Landing(core, this.flights, this.failures, (waiter) => this.transfer(waiter));
  }

  isLoading(text: string): boolean {
    return this.flights.isLoading(text);
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
    const failure = this.isLoading(text) ? undefined : this.failures.of(text);
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
    if (!this.isLoading(text) && this.failures.of(text) === undefined) this.fly(this.prepare(request, entry));
  }

  /** What runs for this key is not kept and serves nobody who comes later. */
  fence(text: string): void {
    this.flights.fence(text);
    this.failures.forget(text);
  }

  /** The same for every key. */
  fenceAll(): void {
    this.flights.fenceAll();
    this.failures.forgetAll();
  }

  /** Waits for the loads that run, for as long as it may, and ends the others with `error`. Resolves to how many that were. */
  async finish(timeoutMs: number, error: unknown): Promise<number> {
    await new Promise<void>((resolve) => {
      const timer = this.core.clock.setTimer(timeoutMs, resolve);
      this.flights.whenIdle(() => {
        timer.cancel();
        resolve();
      });
    });
    const unfinished = this.flights.all;
    for (const flight of unfinished) this.landing.end(flight, error);
    return unfinished.length;
  }

  softTimeout(flight: Flight<Value>, waiter: Waiter<Value>): void {
    this.landing.giveStale(flight, waiter);
  }

  hardTimeout(waiter: Waiter<Value>): void {
    const { hardTimeoutMs } = waiter.request.options;
    waiter.fail(cacheTimeout(this.core.name, hardTimeoutMs));
  }

  loadTimedOut(flight: Flight<Value>): void {
    this.landing.end(flight, new CacheLoadTimeoutError(this.core.name, flight.request.options.maxLoadMs));
  }

  tierAnswered(flight: Flight<Value>, answer: TierAnswer<Value>): void {
    if (flight.ended || this.takes(flight, answer, true)) return;
    const { text, loader, options } = flight.request;
    if (loader === undefined) {
      this.landing.foundNothing(flight);
      return;
    }
    const turn = this.core.tier?.turn(text, options.tags);
    void (turn === undefined ? this.load(flight, loader) : this.loadInTurn(flight, loader, turn));
  }

  tierFailed(flight: Flight<Value>, error: unknown): void {
    this.landing.failed(flight, error);
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
    let flight = this.flights.of(request);
    const isNew = flight === undefined;
    if (!isNew) this.core.counters.sharedFlights++;
    flight ??= this.prepare(request, entry);
    const waiter = new Waiter(flight, request, entry, this.core.fences.sequence);
    flight.board(waiter);
    waiter.begin(this.timeouts);
    if (isNew) this.fly(flight);
    return waiter.promise;
  }

  /** Puts a caller whose flight doesn't serve him on the next one. */
  private transfer(waiter: Waiter<Value>): void {
    const { request } = waiter;
    const next = this.flights.of(request);
    if (next !== undefined) {
      next.board(waiter);
      return;
    }
    const flight = this.prepare(request, undefined);
    flight.board(waiter);
    this.fly(flight);
  }

  private prepare(request: LoadRequest<Value>, entry: CacheEntry<Value> | undefined): Flight<Value> {
    checkKey(request.text);
    const { core } = this;
    const lane = this.timeouts.lane(request.options.maxLoadMs);
    const flight = new Flight(this, lane, request, entry, core.fences.sequence, core.memory.now());
    this.flights.add(flight);
    return flight;
  }

  private fly(flight: Flight<Value>): void {
    const { tier } = this.core;
    const { text, loader, options } = flight.request;
    if (tier !== undefined) tier.ask(text, loader === undefined ? 'hard' : 'soft', options.tags, flight);
    else if (loader !== undefined) void this.load(flight, loader);
  }

  /** Takes what the second tier says; true when that was all that was wanted. */
  private takes(flight: Flight<Value>, answer: TierAnswer<Value>, mayBeEarly: boolean): boolean {
    try {
      return this.landing.fromTier(flight, answer, mayBeEarly);
    } catch (error) {
      // A value that can't be cloned.
      this.landing.failed(flight, error);
      return true;
    }
  }

  /** Never rejects. */
  private async loadInTurn(
    flight: Flight<Value>,
    loader: Loader<Value, never>,
    turn: Promise<Turn<Value>>,
  ): Promise<void> {
    const { answer, release } = await turn;
    const isServed = flight.ended || (answer !== undefined && this.takes(flight, answer, false));
    if (!isServed) await this.load(flight, loader);
    await flight.written;
    release();
  }

  /** Never rejects. */
  private async load(flight: Flight<Value>, loader: Loader<Value, never>): Promise<void> {
    try {
      this.landing.loaded(flight, await this.called(flight, loader));
    } catch (error) {
      this.landing.failed(flight, error);
    }
  }

  private called(flight: Flight<Value>, loader: Loader<Value, never>): Value | PromiseLike<Value> {
    const { core } = this;
    core.counters.loads++;
    const context = flight.answer.context(flight.stale, core.memory.now());
    const key = flight.request.key as never;
    const { loaderPipeline } = core.options;
    if (loaderPipeline === undefined) return loader(key, context);
    const { signal, stale, describe, skip, notModified } = context;
    const guarded = (run: { readonly signal: AbortSignal }): Value | PromiseLike<Value> =>
      loader(key, { signal: run.signal, stale, describe, skip, notModified });
    return loaderPipeline.execute(guarded, { signal, key: shownKey(flight.request.text) }) as Promise<Value>;
  }
}
