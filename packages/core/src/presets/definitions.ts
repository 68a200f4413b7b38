/**
 * What the presets contain. Nothing else decides it: the functions, the registry and the tables of the docs all read
 * these constants.
 */
import type { BulkheadOptions } from '../bulkhead/options.ts';
import type { CircuitBreakerOptions } from '../circuit-breaker/options.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { exponential } from '../retry/backoff.ts';
import type { RetryOptions } from '../retry/options.ts';
import { isDatabaseFailure, isTransient, isTransientDatabaseError, isUpstreamFailure } from './transient.ts';

/** What a preset gives each of its policies. */
export interface PresetDefinition {
  /** What it is for, in a sentence. */
  readonly purpose: string;
  /** How long the whole call may take, in milliseconds. */
  readonly totalTimeoutMs: number;
  readonly retry: RetryOptions;
  readonly circuitBreaker: CircuitBreakerOptions;
  readonly bulkhead: BulkheadOptions;
  /** How long one attempt may take, in milliseconds; undefined: as long as the whole call. */
  readonly attemptTimeoutMs: number | undefined;
  /** Whether a fallback may be put around it. */
  readonly takesFallback: boolean;
}

/** The names of the presets. */
export type PresetName =
  | 'httpClient'
  | 'llmApi'
  | 'database'
  | 'critical'
  | 'background'
  | 'costOptimised'
  | 'integrated';

/** The presets by name. */
export const presetDefinitions: Readonly<Record<PresetName, PresetDefinition>> = Object.freeze({
  httpClient: {
    purpose: 'Calls of one HTTP API from a service that answers people: short attempts, few of them.',
    totalTimeoutMs: 30_000,
    retry: {
      maxAttempts: 3,
      backoff: exponential({ initialMs: 200, maxMs: 5_000 }),
      maxRetryAfterMs: 10_000,
      retryIf: isTransient,
    },
    circuitBreaker: {
      failureRatio: 0.5,
      minThroughput: 10,
      samplingMs: 20_000,
      breakMs: 15_000,
      failureIf: isUpstreamFailure,
    },
    bulkhead: { maxConcurrent: 50, maxQueue: 100, maxQueueWaitMs: 1_000 },
    attemptTimeoutMs: 8_000,
    takesFallback: true,
  },
  llmApi: {
    purpose: 'A model provider: answers take up to minutes, limits are told by 429 and Retry-After and waited for.',
    totalTimeoutMs: 300_000,
    retry: {
      maxAttempts: 4,
      backoff: exponential({ initialMs: 1_000, maxMs: 30_000 }),
      maxRetryAfterMs: 60_000,
      retryIf: isTransient,
    },
    circuitBreaker: {
      failureRatio: 0.5,
      minThroughput: 10,
      samplingMs: 120_000,
      breakMs: 30_000,
      probeLeaseMs: 90_000,
      failureIf: isUpstreamFailure,
    },
    bulkhead: { maxConcurrent: 20, maxQueue: 200, maxQueueWaitMs: 10_000 },
    attemptTimeoutMs: 60_000,
    takesFallback: true,
  },
  database: {
    purpose: 'Queries: short, repeated only when the connection, a lock or the server was to blame.',
    totalTimeoutMs: 10_000,
    retry: {
      maxAttempts: 3,
      backoff: exponential({ initialMs: 50, maxMs: 500 }),
      retryIf: isTransientDatabaseError,
    },
    circuitBreaker: { trip: consecutive(5), breakMs: 5_000, failureIf: isDatabaseFailure },
    bulkhead: { maxConcurrent: 20, maxQueue: 200, maxQueueWaitMs: 500 },
    attemptTimeoutMs: 2_500,
    takesFallback: true,
  },
  critical: {
    purpose:
      'What somebody waits for and must not fail: a short total time, quick attempts, a breaker that is quick to try again.',
    totalTimeoutMs: 10_000,
    retry: {
      maxAttempts: 3,
      backoff: exponential({ initialMs: 100, maxMs: 1_000 }),
      maxRetryAfterMs: 2_000,
      retryIf: isTransient,
    },
    circuitBreaker: {
      failureRatio: 0.7,
      minThroughput: 20,
      samplingMs: 10_000,
      breakMs: 5_000,
      failureIf: isUpstreamFailure,
    },
    bulkhead: { maxConcurrent: 50, maxQueue: 50, maxQueueWaitMs: 500 },
    attemptTimeoutMs: 2_000,
    takesFallback: true,
  },
  background: {
    purpose:
      'Work that nobody waits for: patient, few at a time, and no substitute for a result, since it can be done later.',
    totalTimeoutMs: 60_000,
    retry: {
      maxAttempts: 4,
      backoff: exponential({ initialMs: 1_000, maxMs: 15_000 }),
      maxRetryAfterMs: 30_000,
      retryIf: isTransient,
    },
    circuitBreaker: {
      failureRatio: 0.5,
      minThroughput: 5,
      samplingMs: 60_000,
      breakMs: 30_000,
      failureIf: isUpstreamFailure,
    },
    bulkhead: { maxConcurrent: 5, maxQueue: 1_000, maxQueueWaitMs: 5_000 },
    attemptTimeoutMs: 8_000,
    takesFallback: false,
  },
  costOptimised: {
    purpose:
      'Calls that are paid for one by one: at most one repetition, and a breaker that stops early and stays open.',
    totalTimeoutMs: 60_000,
    retry: {
      maxAttempts: 2,
      backoff: exponential({ initialMs: 2_000, maxMs: 10_000 }),
      maxRetryAfterMs: 30_000,
      retryIf: isTransient,
    },
    circuitBreaker: { trip: consecutive(3), breakMs: 60_000, failureIf: isUpstreamFailure },
    bulkhead: { maxConcurrent: 5, maxQueue: 50, maxQueueWaitMs: 5_000 },
    attemptTimeoutMs: 20_000,
    takesFallback: true,
  },
  integrated: {
    purpose:
      'The settings that several teams had arrived at by themselves, in one: a plain start where nothing is known.',
    totalTimeoutMs: 30_000,
    retry: { maxAttempts: 3, backoff: exponential({ initialMs: 1_000, maxMs: 60_000 }), retryIf: isTransient },
    circuitBreaker: { trip: consecutive(5), breakMs: 60_000, failureIf: isUpstreamFailure },
    bulkhead: { maxConcurrent: 10 },
    attemptTimeoutMs: undefined,
    takesFallback: true,
  },
} as const);
