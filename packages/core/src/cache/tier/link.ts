/**
 * Every question to the store goes through here: it is not asked while the store is away, not beyond what may be under
 * way, and is given up after the hard deadline. What the store then still does with it is nobody's business any more.
 */
import type { TimeoutLane, TimeoutQueue } from '../../clock/timeout-queue.ts';
import type { StoreHealth } from '../../gates/store-health.ts';
import { within } from '../../gates/within.ts';
import type { ResolvedTierOptions } from './options.ts';
import { tierUnavailable } from './unavailable.ts';
import type { TierStore } from './tier-store.ts';

export class TierLink {
  readonly store: TierStore;
  private readonly options: ResolvedTierOptions;
  private readonly hardLane: TimeoutLane;
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
    this.hardLane = timeouts.lane(options.hardTimeoutMs);
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

  /** A question takes longer than somebody has waited: others do without the store until there is an answer. */
  slow(): void {
    this.health.slow();
  }

  unavailable(): Error {
    const reason = this.health.state === 'up' ? 'is being asked too much' : 'is away';
    return tierUnavailable(this.store.name, reason);
  }

  private asked<T>(operation: string, question: (store: TierStore) => Promise<T>): Promise<T> {
    this.inFlight++;
    return this.limited(question).then(
      (answer) => {
        this.inFlight--;
        this.health.answered();
        return answer;
      },
      (error: unknown) => {
        this.inFlight--;
        this.health.failed();
        this.failed(operation, error);
        throw error;
      },
    );
  }

  private limited<T>(question: (store: TierStore) => Promise<T>): Promise<T> {
    const { pipeline, hardTimeoutMs } = this.options;
    const answer =
      pipeline === undefined ? this.started(question) : (pipeline.execute(() => question(this.store)) as Promise<T>);
    return within(this.hardLane, answer, () => {
      throw tierUnavailable(this.store.name, `gave no answer within ${hardTimeoutMs} ms`);
    });
  }

  private started<T>(question: (store: TierStore) => Promise<T>): Promise<T> {
    try {
      return question(this.store);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
