/** What a test says to a limiter under its control, and what it learns from one. */
import type { Clock } from '../clock/clock.ts';
import type { Priority } from '../policy/priority.ts';
import type { RateLimitDecision } from '../rate-limit/decision.ts';
import type { RateLimitReason } from '../rate-limit/errors.ts';
import type { LimiterKey } from '../rate-limit/keys/limiter-key.ts';

/** What a {@link ControllableLimiter} was asked. */
export interface LimiterRequest {
  /** By which method; `call` for a call of a pipeline, by the policy `rateLimit`. */
  readonly operation: 'tryAcquire' | 'check' | 'acquire' | 'reserve' | 'call';
  readonly key: LimiterKey | undefined;
  /** The cost; of one for each limit the numbers, in their order. */
  readonly cost: number | readonly number[];
  readonly priority: Priority;
  /** What it was told. */
  readonly decision: RateLimitDecision;
}

/** What a {@link ControllableLimiter} was told to do. */
export interface LimiterCommand {
  readonly command:
    | 'settle'
    | 'feedback'
    | 'update'
    | 'ban'
    | 'penalise'
    | 'reward'
    | 'cancel'
    | 'commit'
    | 'delayBy'
    | 'reset';
  readonly key: LimiterKey | undefined;
  /** What came with it: the actual cost, the response, the change, the duration, the cost. */
  readonly value?: unknown;
}

/** Options of a {@link ControllableLimiter}. */
export interface ControllableLimiterOptions {
  /** Its name in decisions and errors; default `rate-limit`. */
  readonly name?: string | undefined;
  /** What waits are measured with; default: the first pipeline that it is put into, otherwise the system. */
  readonly clock?: Clock | undefined;
}

/** What a test sees of a limiter under its control, and says to it. */
export interface LimiterControls {
  /** Everything that it was asked, in order. */
  readonly requests: readonly LimiterRequest[];
  /** Everything that it was told to do, in order, by its own methods or by those of its reservations; it does none of it. */
  readonly commands: readonly LimiterCommand[];
  /** Answers so from now on: `answer({ allowed: false, retryAfterMs: 500 })`. What is left out is as when it allows. */
  answer(decision: Partial<RateLimitDecision>): void;
  /** Answers so the next times, once each, before it goes back to {@link LimiterControls.answer}. */
  answerNext(...decisions: readonly Partial<RateLimitDecision>[]): void;
  /** Lets those through that have waited longest, at most `count` of them; returns how many there were. */
  admit(count?: number): number;
  /** Turns those away that have waited longest, at most `count` of them; returns how many there were. */
  turnAway(count?: number, reason?: RateLimitReason): number;
  /** Forgets what it was asked and what it counted; its answers stay. */
  clear(): void;
}
