import type { Clock } from 'breakwater/clock';
import type { ExecutionContext, Outcome, Policy } from 'breakwater/policy';
import { circuitBreaker } from 'breakwater/circuit-breaker';
import { isBreakwaterError } from 'breakwater/errors';
import { pipeline } from 'breakwater/pipeline';
import { exponential, retry } from 'breakwater/retry';
import { timeout } from 'breakwater/timeout';
import type { RunOptions } from '../command-line/run-options.ts';
import { recentCalls } from './recent-calls.ts';
import { UpstreamFault } from './upstream-call.ts';

/** Thrown by an attempt that would begin after the run has been stopped. */
export class RunStopped extends Error {
  constructor() {
    super('the run is stopping');
    this.name = 'RunStopped';
  }
}

export interface PolicyEvents {
  readonly onRetry: (attempt: number, delayMs: number) => void;
  readonly onBreakerOpened: () => void;
  readonly onWaitedForLimit: (waitedMs: number) => void;
}

/** The policies of a run, put together. */
export interface RunPolicies {
  execute<T>(attempt: (context: ExecutionContext) => Promise<T>): Promise<Outcome<T>>;
  /** How long until the breaker lets a call through; 0 when it does. */
  breakerPauseMs(): number;
  breakerClosed(): boolean;
}

/** Two of three must succeed: of an upstream that fails now and then a single probe would often tell the wrong thing. */
export const probes = 3;

const longestRetryAfterMs = 30_000;

/** The limit of `--rate`. Loaded where there is one: a run without it takes several megabytes less. */
export async function limitOf({ rate, burst }: RunOptions): Promise<Policy | undefined> {
  if (rate === undefined) return undefined;
  const { rateLimit, rateLimiter } = await import('breakwater/rate-limit');
  return rateLimit(rateLimiter({ ...rate, burst }));
}

/**
 * Outermost first: the time of a row, its attempts, the breaker, the limit (so that every attempt pays for itself, and
 * none that the breaker refuses), the time of an attempt. Waiting for the end of an outage happens outside of them all.
 */
export function runPolicies(
  options: RunOptions,
  limit: Policy | undefined,
  clock: Clock,
  events: PolicyEvents,
): RunPolicies {
  const breaker = circuitBreaker({
    trip: recentCalls(options.breakerRatio, Math.max(10, 2 * options.maxAttempts)),
    breakMs: options.breakMs,
    // What a server asks for is waited out at the gate.
    maxRetryAfterMs: 0,
    probes,
    successRatio: 0.5,
    probeLeaseMs: options.timeoutMs + 30_000,
    failureIf: (error) => !(error instanceof RunStopped) && !isRateLimited(error),
  });
  const policies = [
    ...(options.totalTimeoutMs === undefined
      ? []
      : [timeout({ name: 'total-timeout', timeoutMs: options.totalTimeoutMs })]),
    retry({
      maxAttempts: options.maxAttempts,
      backoff: exponential({ initialMs: 300, maxMs: 10_000 }),
      maxRetryAfterMs: longestRetryAfterMs,
      retryIf: mayGoBetter,
      onRetry: ({ attempt, delayMs }) => events.onRetry(attempt, delayMs),
    }),
    breaker,
    ...(limit === undefined ? [] : [limit]),
    timeout({ name: 'attempt-timeout', timeoutMs: options.timeoutMs }),
  ] as readonly unknown[] as readonly Policy[];
  const calls = pipeline({ name: 'run', clock }, ...policies);
  breaker.events.on('circuit-opened', () => events.onBreakerOpened());
  if (options.rate !== undefined) {
    calls.on('*', (event) => {
      const { type, waitedMs } = event as { readonly type: string; readonly waitedMs?: number };
      if (type === 'rate-limited' && waitedMs !== undefined && waitedMs > 0) events.onWaitedForLimit(waitedMs);
    });
  }
  return {
    execute: (attempt) => calls.tryExecute(attempt),
    breakerPauseMs: () => breaker.retryAfterMs,
    breakerClosed: () => breaker.state === 'closed',
  };
}

/** Another attempt at once costs little and may succeed. Unreachable hosts and limits are waited out elsewhere. */
function mayGoBetter(error: unknown): boolean {
  return error instanceof UpstreamFault ? error.kind === 'fault' : isBreakwaterError(error, 'TIMEOUT');
}

function isRateLimited(error: unknown): boolean {
  return error instanceof UpstreamFault && error.kind === 'rate-limited';
}
