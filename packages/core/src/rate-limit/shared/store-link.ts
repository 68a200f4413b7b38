/**
 * Every question to the store goes through here: it is not asked while it is away, nor beyond what may be under way, and
 * is given up after the deadline. What the store then still does with it is nobody's business any more.
 */
import type { Clock } from '../../clock/clock.ts';
import { timeoutQueueOf } from '../../clock/timeout-queue.ts';
import { StoreHealth } from '../../gates/store-health.ts';
import { within } from '../../gates/within.ts';
import { limitStoreError, type LimitStoreError } from './errors.ts';
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

  /** Asks the store. Rejects with a {@link LimitStoreError}: at once while it is away, at the latest at the deadline. */
  async ask<T>(question: (store: LimitStore) => Promise<T>): Promise<T> {
    if (this.state === 'away') throw this.unavailable('is away', this.lastError);
    if (this.inFlight >= this.options.maxInFlight) throw this.unavailable('is asked too much', undefined);
    this.asked();
    this.inFlight++;
    this.calls++;
    try {
      return await this.limited(question);
    } catch (error) {
      this.failures++;
      this.lastError = error;
      this.health.failed();
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

  close(): void {
    this.health.close();
  }

  private limited<T>(question: (store: LimitStore) => Promise<T>): Promise<T> {
    const { storeTimeoutMs } = this.options;
    return within(timeoutQueueOf(this.clock).lane(storeTimeoutMs), this.started(question), () => {
      throw this.unavailable(`gave no answer within ${storeTimeoutMs} ms`, undefined);
    });
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
