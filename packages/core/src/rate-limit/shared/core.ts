/** What the parts of a shared limiter work with: the store, what is done without it, who waits, and what is leased. */
import type { Clock } from '../../clock/clock.ts';
import type { LimiterRecord } from '../limiter-record.ts';
import type { ResolvedLimit } from '../limit-options.ts';
import { FollowedNumbers, type NumbersOwner } from './followed-numbers.ts';
import { type LeaseOwner, Leases } from './leases.ts';
import type { LimitAnswer, LimitQuestion, LimitStore } from './limit-store.ts';
import type { ResolvedSharedOptions } from './options.ts';
import type { Questions } from './questions.ts';
import { StoreLink } from './store-link.ts';
import { WaitingRoom } from './waiting-room.ts';
import { WithoutStore } from './without-store.ts';

export class SharedCore implements LeaseOwner, NumbersOwner {
  readonly options: ResolvedSharedOptions;
  readonly clock: Clock;
  readonly record: LimiterRecord;
  readonly questions: Questions;
  readonly link: StoreLink;
  readonly without: WithoutStore;
  readonly room: WaitingRoom;
  readonly numbers: FollowedNumbers;
  /** Undefined where every decision asks the store. */
  readonly leases: Leases | undefined;
  readonly instances: number;
  readonly leaseMs: number;
  readonly maxLeases: number;
  private readonly idPrefix: string;
  private readonly unwaited: Set<Promise<unknown>> = new Set();
  private ids = 0;

  constructor(options: ResolvedSharedOptions, clock: Clock, record: LimiterRecord, questions: Questions) {
    this.options = options;
    this.clock = clock;
    this.record = record;
    this.questions = questions;
    this.instances = options.instances;
    this.leaseMs = options.leaseMs;
    this.maxLeases = options.maxLeases;
    this.idPrefix = `${Math.floor(options.random.next() * 2 ** 48).toString(36)}-`;
    const { onStoreError } = options;
    this.link = new StoreLink(
      options,
      clock,
      (state, error) => record.storeChanged({ state, onStoreError, error }),
      () => this.numbers.used(),
    );
    this.numbers = new FollowedNumbers(this, options.followMs);
    this.without = new WithoutStore(options, questions, clock);
    this.room = new WaitingRoom(clock);
    this.leases = options.leased ? new Leases(this, options.limits.length) : undefined;
  }

  get limits(): readonly ResolvedLimit[] {
    return this.questions.limits;
  }

  /** Goes on with other numbers. */
  changed(index: number, limit: ResolvedLimit): void {
    const { questions, leases, without, record } = this;
    const before = questions.limits[index]!;
    leases?.releaseAll();
    questions.limits = questions.limits.with(index, limit);
    without.renew();
    record.updated(limit, before.limit);
  }

  now(): number {
    return this.clock.now();
  }

  /** A name for a reservation that no process gives to another. */
  nextId(): string {
    return this.idPrefix + (this.ids++).toString(36);
  }

  fetch(question: LimitQuestion, wanted: readonly number[]): Promise<LimitAnswer> {
    return this.link.ask((store) => store.lease(question, wanted));
  }

  until<T>(sinceMs: number, answer: Promise<T>): Promise<T> {
    return this.link.until(sinceMs, answer);
  }

  giveBack(question: LimitQuestion): void {
    this.tellLater((store) => store.forgive(question));
  }

  /** Tells the store something that nobody waits for. Where that fails, what it would have freed comes back with time. */
  tellLater(question: (store: LimitStore) => Promise<unknown>): void {
    const told: Promise<unknown> = this.link.ask(question).then(
      () => this.unwaited.delete(told),
      () => this.unwaited.delete(told),
    );
    this.unwaited.add(told);
  }

  async close(): Promise<void> {
    this.leases?.releaseAll();
    await Promise.all(this.unwaited);
    this.numbers.close();
    this.link.close();
  }
}
