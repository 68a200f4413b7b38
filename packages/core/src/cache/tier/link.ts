/**
 * Every question to the store goes through here: it is not asked while the store is away, not beyond what may be under
 * way, and is given up after the hard deadline. What the store then still does with it is nobody's business any more.
 */
import type { TimeoutQueue } from '../../clock/timeout-queue.ts';
import type { StoreHealth } from '../../gates/store-health.ts';
import { within } from '../../gates/within.ts';
import type { ResolvedTierOptions } from './options.ts';
import { tierUnavailable } from './unavailable.ts';
import type { TierStore } from './tier-store.ts';

export class TierLink {
  readonly store: TierStore;
  private readonly options: ResolvedTierOptions;
  private readonly timeouts: TimeoutQueue;
  private readonly health: StoreHealth;
  private readonly failed: (operation: string, error: unknown) => void;
  private inFlight = 0;

  constructor(
    store: TierStore,
    options: ResolvedTierOptions,
    timeouts: TimeoutQueue,
    health: StoreHealth,
    failed: (operation: string, error: unknown) => void,
  ) {
    this.store = store;
    this.options = options;
    this.timeouts = timeouts;
    this.health = health;
    this.failed = failed;
  }

  /** Whether a question would be asked now. */
  get isOpen(): boolean {
    return this.health.state === 'up' && this.inFlight < this.options.maxInFlight;
  }

  /** Whether the store is known not to answer. */
  get isAway(): boolean {
    return this.health.state === 'away';
  }

  /** Asks the store. Rejects at once while it is away, and after the hard deadline. */
  ask<T>(operation: string, question: (store: TierStore) => Promise<T>): Promise<T> {
    if (!this.isOpen) return Promise.reject(this.unavailable());
    return this.asked(operation, question);
  }

  /** The same though the store is away. */
  ping(): Promise<unknown> {
    return this.limited((store) => store.ping());
  }

  /** Waits for an answer no longer than the soft deadline; others stop to wait for the store then. */
  patiently<T>(answer: Promise<T>, otherwise: () => T): Promise<T> {
    return within(this.timeouts.lane(this.options.softTimeoutMs), answer, () => {
      this.health.slow();
      return otherwise();
    });
  }

  unavailable(): Error {
    const reason = this.health.state === 'up' ? 'is being asked too much' : 'is away';
    return tierUnavailable(this.store.name, reason);
  }

  private async asked<T>(operation: string, question: (store: TierStore) => Promise<T>): Promise<T> {
    this.inFlight++;
    try {
      const answer = await this.limited(question);
      this.health.answered();
      return answer;
    } catch (error) {
      this.health.failed();
      this.failed(operation, error);
      throw error;
    } finally {
      this.inFlight--;
    }
  }

  private limited<T>(question: (store: TierStore) => Promise<T>): Promise<T> {
    const { pipeline, hardTimeoutMs } = this.options;
    const answer =
      pipeline === undefined ? this.started(question) : (pipeline.execute(() => question(this.store)) as Promise<T>);
    return within(this.timeouts.lane(hardTimeoutMs), answer, () => {
      throw tierUnavailable(this.store.name, `gave no answer within ${hardTimeoutMs} ms`);
    });
  }

  private async started<T>(question: (store: TierStore) => Promise<T>): Promise<T> {
    return question(this.store);
  }
}
