/** What is told to a shared limiter: it changes what stands in the store, for all processes. */
import { type Cost, resolveCharge, resolveCost } from '../cost.ts';
import { pauseMs, quotasLeft } from '../feedback.ts';
import type { LimiterKey } from '../keys/limiter-key.ts';
import { changedLimit, type LimitNumbers } from '../limit-options.ts';
import type { RateLimiter, ServerResponse } from '../rate-limiter.ts';
import { checkBan, indexOfLimit } from '../request.ts';
import type { SharedCore } from './core.ts';
import { LimitStoreError } from './errors.ts';
import type { LimitStore } from './limit-store.ts';

export class SharedCommands {
  private readonly core: SharedCore;

  constructor(core: SharedCore) {
    this.core = core;
  }

  async feedback(response: ServerResponse, key: LimiterKey | undefined): Promise<void> {
    const { questions, clock, leases, record } = this.core;
    const wallTime = clock.wallTime();
    const question = questions.of(key, 0);
    const locally = (share: RateLimiter): void => share.feedback(response, key);
    const startedAt = clock.now();
    const ms = pauseMs(response, wallTime);
    if (ms > 0) {
      leases?.drop(question);
      await this.tell((store) => store.hold(question, 'pause', ms), locally);
      record.held(key, 'pause', ms);
    }
    const left = quotasLeft(questions.names, response, wallTime);
    if (left.every((each) => each === undefined)) return;
    const most = leases?.lower(question, left) ?? left;
    const limits = question.limits.map((limit, at) => ({ ...limit, cost: most[at] ?? -1 }));
    await this.tell((store) => store.lower({ ...question, limits }), locally, startedAt);
  }

  async update(change: Partial<LimitNumbers>, limitName: string | undefined): Promise<void> {
    const { limits, numbers, without } = this.core;
    const index = indexOfLimit(limits, limitName);
    const after = changedLimit(limits[index]!, change);
    this.core.changed(index, after);
    try {
      await numbers.tell(index, after);
    } catch (error) {
      if (!(error instanceof LimitStoreError) || !without.isLocal) throw error;
    }
  }

  async ban(key: LimiterKey | undefined, durationMs: number): Promise<void> {
    checkBan(durationMs);
    const question = this.core.questions.of(key, 0);
    this.core.leases?.drop(question);
    await this.tell(
      (store) => store.hold(question, 'ban', durationMs),
      (share) => share.ban(key, durationMs),
    );
    this.core.record.held(key, 'ban', durationMs);
  }

  async penalise(key: LimiterKey | undefined, cost: Cost): Promise<void> {
    const { questions, record } = this.core;
    const question = questions.of(key, resolveCharge(cost, questions.names));
    await this.tell(
      (store) => store.charge(question),
      (share) => share.penalise(key, cost),
    );
    record.counts.overshoot += Math.max(...question.limits.map((limit) => limit.cost));
  }

  async reward(key: LimiterKey | undefined, cost: Cost): Promise<void> {
    const { questions } = this.core;
    const question = questions.of(key, resolveCost(cost, questions.names));
    await this.tell(
      (store) => store.forgive(question),
      (share) => share.reward(key, cost),
    );
  }

  async reset(key: LimiterKey | undefined): Promise<void> {
    const question = this.core.questions.ofOwn(key);
    this.core.leases?.drop(this.core.questions.of(key, 0));
    await this.tell(
      (store) => store.forget(question),
      (share) => share.reset(key),
    );
  }

  /** Tells the store; while it is away, this process's share where that is what decides. */
  private async tell(
    tell: (store: LimitStore) => Promise<unknown>,
    locally: (share: RateLimiter) => void,
    sinceMs?: number,
  ): Promise<void> {
    try {
      await this.core.link.ask(tell, sinceMs);
    } catch (error) {
      if (!(error instanceof LimitStoreError) || !this.core.without.isLocal) throw error;
      locally(this.core.without.share);
    }
  }
}
