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

/** What is asked of the store. */
type Ask<Answer> = (store: TierStore) => Promise<Answer>;

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
  ask<Answer>(operation: string, ask: Ask<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => this.put(new PromisedQuestion(operation, ask, resolve, reject)));
  }

  /** The same for a question that would rather not have a promise: readings are too many for that. */
  put<Answer>(question: LinkQuestion<Answer>): void {
    if (this.isOpen) question.begin(this, this.started(question));
    else question.failed(this.unavailable());
  }

  /** The same though the store is away. */
  ping(): Promise<unknown> {
    return within(this.hardLane, this.started({ ask: (store) => store.ping() }), () => {
      throw this.overdue();
    });
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

  private started<Answer>(question: { readonly ask: Ask<Answer> }): Promise<Answer> {
    const { pipeline } = this.options;
    if (pipeline !== undefined) return pipeline.execute(() => question.ask(this.store)) as Promise<Answer>;
    try {
      // A store of somebody's own may give what is no promise.
      return Promise.resolve(question.ask(this.store));
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** A question to the store: ended by its answer or by the hard deadline, whichever comes first. */
export abstract class LinkQuestion<Answer> extends TimeoutEntry {
  /** What it is called in events. */
  abstract readonly operation: string;
  private link: TierLink | undefined = undefined;

  /** Asks the store; it may throw as well as reject. */
  abstract ask(store: TierStore): Promise<Answer>;
  /** Told once, unless `failed` is. Must not throw. */
  abstract answered(answer: Answer): void;
  /** Told once, unless `answered` is. Must not throw. */
  abstract failed(error: unknown): void;

  /** @internal Waits for the answer. */
  begin(link: TierLink, answer: Promise<Answer>): void {
    this.link = link;
    link.opened(this);
    answer.then(
      (value) => {
        if (!this.ends()) return;
        link.succeeded();
        this.answered(value);
      },
      (error: unknown) => this.fail(link, error),
    );
  }

  override onTimeout(): void {
    this.fail(this.link!, this.link!.overdue());
  }

  private fail(link: TierLink, error: unknown): void {
    if (!this.ends()) return;
    link.erred(this.operation, error);
    this.failed(error);
  }

  /** False when it has ended before. */
  private ends(): boolean {
    if (this.link === undefined) return false;
    this.link.closed(this);
    this.link = undefined;
    return true;
  }
}

/** A question whose answer is a promise. */
class PromisedQuestion<Answer> extends LinkQuestion<Answer> {
  readonly operation: string;
  readonly ask: Ask<Answer>;
  readonly answered: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;

  constructor(
    operation: string,
    ask: Ask<Answer>,
    answered: (answer: Answer) => void,
    failed: (error: unknown) => void,
  ) {
    super();
    this.operation = operation;
    this.ask = ask;
    this.answered = answered;
    this.failed = failed;
  }
}
