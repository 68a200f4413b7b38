/**
 * Every question to the store goes through here: it is not asked while it is away, nor beyond what may be under way, and
 * is given up after the deadline. What the store then still does with it is nobody's business any more.
 */
import type { Clock } from '../../clock/clock.ts';
import { type TimeoutLane, timeoutQueueOf } from '../../clock/timeout-queue.ts';
import { StoreHealth } from '../../gates/store-health.ts';
import { within } from '../../gates/within.ts';
import { limitStoreError, LimitStoreError } from './errors.ts';
import type { LimitStore } from './limit-store.ts';
import type { ResolvedSharedOptions } from './options.ts';

/** Whether the store of a shared limiter answers. */
export type LimitStoreState = 'up' | 'away';

export class StoreLink {
  readonly store: LimitStore;
  /** How many questions were asked, and how many had no good answer. */
  calls = 0;
  failures = 0;
  private readonly options: ResolvedSharedOptions;
  private readonly clock: Clock;
  private readonly health: StoreHealth;
  private inFlight = 0;
  private lastError: unknown = undefined;
  private readonly asked: () => void;

  /**
   * @param changed Told when the store goes away, and why, and when it is back.
   * @param asked Told of each question.
   */
  constructor(
    options: ResolvedSharedOptions,
    clock: Clock,
    changed: (state: LimitStoreState, error: unknown) => void,
    asked: () => void,
  ) {
    this.asked = asked;
    this.store = options.store.open(options.namespace);
    this.options = options;
    this.clock = clock;
    this.health = new StoreHealth(
      clock,
      {
        ping: () => this.limited((store) => store.ping()),
        stateChanged: (state) => changed(state === 'up' ? 'up' : 'away', state === 'up' ? undefined : this.lastError),
      },
      options.pingMs,
    );
  }

  get state(): LimitStoreState {
    return this.health.state === 'up' ? 'up' : 'away';
  }

  /**
   * Asks the store. Rejects with a {@link LimitStoreError}: at once while it is away, at the latest at the deadline.
   *
   * @param sinceMs When the caller asked first, where this is not the first question: the deadline is that of all together.
   */
  async ask<T>(question: (store: LimitStore) => Promise<T>, sinceMs?: number): Promise<T> {
    if (this.state === 'away') throw this.unavailable('is away', this.lastError);
    if (this.inFlight >= this.options.maxInFlight) throw this.unavailable('is asked too much', undefined);
    const leftMs = this.leftMs(sinceMs);
    if (leftMs === 0) throw this.tooLate();
    this.asked();
    this.inFlight++;
    this.calls++;
    try {
      return await this.limited(question, leftMs);
    } catch (error) {
      this.failures++;
      this.lastError = error;
      // A store that was given less than its time is not away because it has taken longer.
      if (leftMs === this.options.storeTimeoutMs || !(error instanceof LimitStoreError)) this.health.failed();
      throw this.unavailable('gave no answer', error);
    } finally {
      this.inFlight--;
    }
  }

  /** Asks beside the decisions: nobody waits for the answer, it is not counted, and changes nothing when it fails. */
  async askAside<T>(question: (store: LimitStore) => Promise<T>): Promise<T> {
    if (this.state === 'away') throw this.unavailable('is away', this.lastError);
    return this.limited(question);
  }

  /** Waits for what the store was asked by somebody else, until the deadline of who began to ask at `sinceMs`. */
  until<T>(sinceMs: number, answer: Promise<T>): Promise<T> {
    return within(this.lane(this.leftMs(sinceMs)), answer, () => {
      throw this.tooLate();
    });
  }

  close(): void {
    this.health.close();
  }

  private limited<T>(
    question: (store: LimitStore) => Promise<T>,
    leftMs: number = this.options.storeTimeoutMs,
  ): Promise<T> {
    return within(this.lane(leftMs), this.started(question), () => {
      throw this.tooLate();
    });
  }

  private leftMs(sinceMs: number | undefined): number {
    const { storeTimeoutMs } = this.options;
    // Whole milliseconds, so that a few lanes serve all.
    return sinceMs === undefined
      ? storeTimeoutMs
      : Math.min(storeTimeoutMs, Math.max(0, Math.ceil(storeTimeoutMs - (this.clock.now() - sinceMs))));
  }

  private lane(durationMs: number): TimeoutLane {
    return timeoutQueueOf(this.clock).lane(durationMs);
  }

  private tooLate(): LimitStoreError {
    return this.unavailable(`gave no answer within ${this.options.storeTimeoutMs} ms`, undefined);
  }

  /** A client may throw before there is a promise. */
  private async started<T>(question: (store: LimitStore) => Promise<T>): Promise<T> {
    return question(this.store);
  }

  private unavailable(reason: string, cause: unknown): LimitStoreError {
    const retryAfterMs = this.options.pingMs;
    return limitStoreError(this.options.name, reason, cause === undefined ? { retryAfterMs } : { retryAfterMs, cause });
  }
}
