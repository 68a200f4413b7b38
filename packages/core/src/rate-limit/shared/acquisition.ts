/** Waiting for a turn: a place in time is taken at the store at once, and the wait for it happens here. */
import type { RateLimitDecision } from '../decision.ts';
import { costTooLarge, rateLimitError, type RateLimitReason } from '../errors.ts';
import type { LimiterKey } from '../keys/limiter-key.ts';
import { EXPIRES_MS } from '../reservation-desk.ts';
import { decisionOf, maxCostOf } from './answers.ts';
import type { SharedCore } from './core.ts';
import type { LimitQuestion, LimitReading } from './limit-store.ts';
import { refusalOf, type SharedDesk } from './shared-desk.ts';
import type { LeftEarly, Place } from './waiting-room.ts';

/** Who waits, and for what. */
export interface WaitRequest {
  readonly key: LimiterKey | undefined;
  readonly question: LimitQuestion;
  readonly level: number;
  readonly settles: boolean;
  readonly signal: AbortSignal | undefined;
  readonly maxWaitMs: number;
  /** When it came: its wait, and what the store has for its answers, count from then. */
  readonly startedAt: number;
}

/** What a wait has led to: the decision, and the place that it was taken at. */
export interface Waited {
  readonly decision: RateLimitDecision;
  readonly id: string;
}

export class Acquisitions {
  private readonly core: SharedCore;
  private readonly desk: SharedDesk;

  constructor(core: SharedCore, desk: SharedDesk) {
    this.core = core;
    this.desk = desk;
  }

  /** Whether somebody of this process who is as urgent waits already. */
  blocks({ question, level }: Pick<WaitRequest, 'question' | 'level'>): boolean {
    const { room } = this.core;
    if (room.size === 0) return false;
    return room.blocks(groupOf(question, false), level) || room.blocks(groupOf(question, true), level);
  }

  /** How long a request may still wait, in whole milliseconds, so that a few lanes of timeouts serve all. */
  leftMs({ maxWaitMs, startedAt }: WaitRequest): number {
    return Math.min(maxWaitMs, Math.max(0, Math.ceil(maxWaitMs - (this.core.now() - startedAt))));
  }

  /** Takes a place in time and waits for it. */
  async wait(request: WaitRequest): Promise<Waited> {
    const { question, settles, signal, startedAt } = request;
    const maxWaitMs = this.leftMs(request);
    const { room, options } = this.core;
    if (maxWaitMs > 0 && room.size >= options.maxQueue)
      throw this.refuse(request, 'queue', question.limits[0]!.numbers.name, 0, 0);
    const id = this.core.nextId();
    const made = await this.desk.ask(question, { id, maxWaitMs, expiresMs: settles ? EXPIRES_MS : 0 }, startedAt);
    const refused = refusalOf(question, made, maxWaitMs);
    if (refused !== undefined) {
      const { limitName } = refused;
      throw this.refuse(
        request,
        reasonOf(limitName, request.maxWaitMs),
        limitName,
        made.delayMs ?? refused.retryAfterMs,
        0,
      );
    }
    const place = { id, atMs: this.core.now() + made.delayMs! };
    if (signal?.aborted === true) {
      this.giveBack(question, place);
      throw signal.reason;
    }
    const decision = admitted(question, (made as { readonly readings: readonly LimitReading[] }).readings);
    if (made.delayMs === 0) {
      this.core.record.counts.admitted++;
      return { decision, id };
    }
    if (made.delayMs! <= this.leftMs(request)) return this.stay(request, place, decision);
    // The answer has taken what was left.
    this.giveBack(question, place);
    throw this.refuse(request, 'wait', decision.limitName, made.delayMs!, 0);
  }

  /** The error of a request that is refused, which is then counted. */
  refuse(
    { key, question }: Pick<WaitRequest, 'key' | 'question'>,
    reason: RateLimitReason,
    limitName: string,
    retryAfterMs: number,
    waitedMs: number,
  ): Error {
    this.core.record.refused(key, { limitName, reason, retryAfterMs, waitedMs, shadow: false });
    const limit = question.limits.find(({ numbers }) => numbers.name === limitName);
    if (limit !== undefined && limit.cost > maxCostOf(limit.numbers))
      return costTooLarge(limitName, limit.cost, maxCostOf(limit.numbers));
    return rateLimitError({ limitName, limitValue: limit?.numbers.limit ?? 0, reason, retryAfterMs });
  }

  private stay(request: WaitRequest, place: Place, decision: RateLimitDecision): Promise<Waited> {
    const { key, question, level, settles, signal } = request;
    const maxWaitMs = this.leftMs(request);
    const { room, record } = this.core;
    return new Promise((resolve, reject) => {
      const guest = {
        level,
        signal,
        maxWaitMs,
        served: ({ id }: Place, waitedMs: number): void => {
          record.waitEnded(key, 'admitted', waitedMs);
          resolve({ decision, id });
        },
        left: (how: LeftEarly, waitedMs: number): void => {
          record.waitEnded(key, how.reason === 'aborted' ? 'withdrawn' : 'expired', waitedMs);
          if (how.reason === 'aborted') reject(how.cause);
          else reject(this.refuse(request, 'wait', decision.limitName, 0, waitedMs));
        },
      };
      room.enter(groupOf(question, settles), place, guest, (left) => this.giveBack(question, left));
      record.queued(key, place.atMs - this.core.now(), room.size);
    });
  }

  private giveBack(question: LimitQuestion, { id }: Place): void {
    this.core.tellLater((store) => store.cancel(question, id));
  }
}

/** Places of the same key and cost are alike, but that some may be settled. */
function groupOf({ limits }: LimitQuestion, settles: boolean): string {
  return JSON.stringify([settles, ...limits.map(({ key, cost }) => [key ?? null, cost])]);
}

function admitted(question: LimitQuestion, readings: readonly LimitReading[]): RateLimitDecision {
  return decisionOf(question, {
    hold: undefined,
    readings: readings.map((reading) => ({ ...reading, waitMs: 0 })),
  });
}

/** Why a request is refused that a limit, a ban or the number of reservations stands against. */
export function reasonOf(limitName: string, maxWaitMs: number): RateLimitReason {
  if (limitName === 'ban') return 'denied';
  if (limitName === 'reservations') return 'queue';
  return maxWaitMs === 0 ? 'limit' : 'wait';
}
