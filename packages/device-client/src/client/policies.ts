import type { CallOptions, ExecutionContext } from 'breakwater';
import { circuitBreaker } from 'breakwater/circuit-breaker';
import type { Clock, Random } from 'breakwater/clock';
import { hedge, learned } from 'breakwater/hedge';
import { pipeline } from 'breakwater/pipeline';
import { exponential, isRetryable, retry, retryBudget } from 'breakwater/retry';
import { timeout } from 'breakwater/timeout';
import { isServiceFailure } from '../errors/failure-of-call.ts';
import { type Logger, tell } from './logger.ts';

/** What is needed of a pipeline: those of `breakwater` are such, unless a fallback in them adds values of its own. */
export interface CallPipeline {
  execute<T>(fn: (context: ExecutionContext) => T, options?: CallOptions): Promise<Awaited<T>>;
}

/** The pipelines under which a client calls. */
export interface CallPolicies {
  readonly reads: CallPipeline;
  readonly writes: CallPipeline;
  /** Waits for the calls that run, and takes no more. */
  close(): Promise<void>;
}

/** What the client's own pipelines are made from. */
export interface PolicySettings {
  readonly attemptTimeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly maxAttempts: number;
  readonly hedge: boolean;
  readonly logger: Logger | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** The wait before the second attempt is up to 100 ms, before each further one up to twice that; at most 2 s. */
const BACKOFF = { initialMs: 100, maxMs: 2_000 };

/**
 * The client's own pipelines: a time for the whole call, retries on one budget, a breaker that reads and writes share, a
 * hedge for reads, a time for each attempt. Writes are sent again too: putting and deleting twice is the same as once.
 */
export function ownPolicies(settings: PolicySettings): CallPolicies {
  const { attemptTimeoutMs, totalTimeoutMs, maxAttempts, logger, clock, random } = settings;
  const budget = retryBudget();
  const breaker = circuitBreaker({ name: 'device-cache', failureIf: isServiceFailure });
  const wholeCall = () => timeout({ name: 'total-timeout', timeoutMs: totalTimeoutMs });
  const attempts = () => retry({ maxAttempts, backoff: exponential(BACKOFF), budget, retryIf: isRetryable });
  const attempt = () => timeout({ name: 'attempt-timeout', timeoutMs: attemptTimeoutMs });
  // A failed attempt is the retry's business, which waits before the next.
  const beside = hedge({ delayMs: learned(), budget, hedgeIf: () => false });
  const about = (name: string) => ({ name: `device-cache.${name}`, clock, random });
  const reads = settings.hedge
    ? pipeline(about('reads'), wholeCall(), attempts(), breaker, beside, attempt())
    : pipeline(about('reads'), wholeCall(), attempts(), breaker, attempt());
  const writes = pipeline(about('writes'), wholeCall(), attempts(), breaker, attempt());
  writes.on('circuit-opened', () => tell(logger, 'warn', () => 'device cache: it fails too often and is left alone'));
  writes.on('circuit-closed', () => tell(logger, 'info', () => 'device cache: it answers again'));
  return {
    reads,
    writes,
    close: async () => {
      await Promise.all([reads.close(), writes.close()]);
    },
  };
}
