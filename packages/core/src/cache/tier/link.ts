/**
 * Every question to the store goes through here: it is not asked while the store is away, not beyond what may be under
 * way, and is given up after the hard deadline. What the store then still does with it is nobody's business any more.
 */
import { TimeoutEntry, type TimeoutLane, type TimeoutQueue } from '../../clock/timeout-queue.ts';
import type { StoreHealth } from '../../gates/store-health.ts';
import { within } from '../../gates/within.ts';
import type { ResolvedTierOptions } from './options.ts';
import { tierUnavailable } from './unavailable.ts';
import type { TierStore } from './tier-store.ts';

/** Who waits for the answer to a question. Told once; what it does with it must not throw. */
export interface LinkAsker<Answer> {
  answered(answer: Answer): void;
  failed(error: unknown): void;
}

/** What is asked of the store. */
type Question<Answer> = (store: TierStore) => Promise<Answer>;

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
  ask<Answer>(operation: string, question: Question<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.askFor({ answered: resolve, failed: reject }, operation, question);
    });
  }

  /** The same for an asker who would rather not have a promise, which readings are too many for. */
  askFor<Answer>(asker: LinkAsker<Answer>, operation: string, question: Question<Answer>): void {
    if (this.isOpen) new OpenQuestion(this, operation, asker).begin(this.started(question));
    else asker.failed(this.unavailable());
  }

  /** The same though the store is away. */
  ping(): Promise<unknown> {
    return within(
      this.hardLane,
      this.started((store) => store.ping()),
      () => {
        throw this.overdue();
      },
    );
  }

  /** A question takes longer than somebody has waited: others do without the store until there is an answer. */
  slow(): void {
    this.health.slow();
  }

  unavailable(): Error {
    const reason = this.health.state === 'up' ? 'is being asked too much' : 'is away';
    return tierUnavailable(this.store.name, reason);
  }

  /** @internal A question is under way. */
  opened(question: TimeoutEntry): void {
    this.inFlight++;
    this.hardLane.add(question);
  }

  /** @internal It is no more. */
  closed(question: TimeoutEntry): void {
    this.inFlight--;
    this.hardLane.remove(question);
  }

  /** @internal The store has answered. */
  succeeded(): void {
    this.health.answered();
  }

  /** @internal The store has failed, or not answered in time. */
  erred(operation: string, error: unknown): void {
    this.health.failed();
    this.failed(operation, error);
  }

  /** @internal What a question is told that took too long. */
  overdue(): Error {
    return tierUnavailable(this.store.name, `gave no answer within ${this.options.hardTimeoutMs} ms`);
  }

  private started<Answer>(question: Question<Answer>): Promise<Answer> {
    const { pipeline } = this.options;
    if (pipeline !== undefined) return pipeline.execute(() => question(this.store)) as Promise<Answer>;
    try {
      return question(this.store);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** A question that is under way: ended by its answer or by the hard deadline, whichever comes first. */
class OpenQuestion<Answer> extends TimeoutEntry {
  private readonly link: TierLink;
  private readonly operation: string;
  private readonly asker: LinkAsker<Answer>;
  private isEnded = false;

  constructor(link: TierLink, operation: string, asker: LinkAsker<Answer>) {
    super();
    this.link = link;
    this.operation = operation;
    this.asker = asker;
  }

  /** Waits for the answer. */
  begin(answer: Promise<Answer>): void {
    this.link.opened(this);
    answer.then(
      (value) => {
        if (!this.ends()) return;
        this.link.succeeded();
        this.asker.answered(value);
      },
      (error: unknown) => this.fail(error),
    );
  }

  override onTimeout(): void {
    this.fail(this.link.overdue());
  }

  private fail(error: unknown): void {
    if (!this.ends()) return;
    this.link.erred(this.operation, error);
    this.asker.failed(error);
  }

  /** False when it has ended before. */
  private ends(): boolean {
    if (this.isEnded) return false;
    this.isEnded = true;
    this.link.closed(this);
    return true;
  }
}
