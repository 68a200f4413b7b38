import type { LabelName } from './labels.ts';
import { metric, type MetricDefinition, TOLD } from './metric-definition.ts';

/** The metrics of pipelines and their policies, by their names inside the library. */
export type PolicyMetricName =
  | 'calls'
  | 'attempts'
  | 'events'
  | 'retryCalls'
  | 'retries'
  | 'breakerState'
  | 'breakerTransitions'
  | 'breakerRejected'
  | 'breakerFailureRatio'
  | 'breakerSlowCallRatio'
  | 'breakerCalls'
  | 'timeouts'
  | 'bulkheadLimit'
  | 'bulkheadAvailable'
  | 'bulkheadQueued'
  | 'bulkheadCalls'
  | 'concurrencyLimit'
  | 'concurrencyInflight'
  | 'concurrencyQueued'
  | 'concurrencyCalls'
  | 'throttlingRatio'
  | 'sheddingLoad'
  | 'sheddingCalls'
  | 'hedgeCalls'
  | 'hedges'
  | 'fallbacks'
  | 'keys';

const OF_POLICY: readonly LabelName[] = ['pipeline', 'policy'];
const CALL = { unit: '{call}' } as const;

/** What is measured of pipelines and their policies. */
export const policyMetrics: Readonly<Record<PolicyMetricName, MetricDefinition>> = Object.freeze({
  calls: metric(
    'histogram',
    ['resilience.polly.pipeline.duration', 'breakwater_pipeline_calls_seconds'],
    ['pipeline', 'outcome', 'error', 'key'],
    'How long calls took, waits included.',
    { unit: 'ms', ...TOLD },
  ),
  attempts: metric(
    'histogram',
    ['resilience.polly.strategy.attempt.duration', 'breakwater_attempts_seconds'],
    ['pipeline', 'outcome', 'attempt', 'error', 'key'],
    'How long runs of the function took.',
    { unit: 'ms', ...TOLD },
  ),
  events: metric(
    'counter',
    ['resilience.polly.strategy.events', 'breakwater_events_total'],
    ['pipeline', 'policy', 'event', 'severity', 'error'],
    'What policies, limiters, caches and pools have told; not the usual course of calls, attempts, loans, tasks and batches, which have metrics of their own.',
    { unit: '{event}', ...TOLD },
  ),
  retryCalls: metric(
    'counter',
    ['breakwater.retry.calls', 'resilience4j_retry_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls by how they ended: `successful_without_retry`, `successful_with_retry`, `failed_without_retry`, `failed_with_retry`.',
    CALL,
  ),
  retries: metric(
    'counter',
    ['breakwater.retry.retries', 'breakwater_retry_retries_total'],
    OF_POLICY,
    'Attempts beyond the first.',
    { unit: '{attempt}' },
  ),
  breakerState: metric(
    'gauge',
    ['breakwater.circuit_breaker.state', 'resilience4j_circuitbreaker_state'],
    [...OF_POLICY, 'state'],
    'How many breakers of this name are `closed`, `open`, `half_open`, `forced_open` (isolated): of one breaker, 1 for its state and 0 for the others.',
    { unit: '{breaker}' },
  ),
  breakerTransitions: metric(
    'counter',
    ['breakwater.circuit_breaker.transitions', 'breakwater_circuitbreaker_transitions_total'],
    [...OF_POLICY, 'state'],
    'How often a breaker came into a state: `closed`, `open`, `half_open`, `forced_open`.',
    { unit: '{transition}', ...TOLD },
  ),
  breakerRejected: metric(
    'counter',
    ['breakwater.circuit_breaker.rejected_calls', 'resilience4j_circuitbreaker_not_permitted_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls that a breaker refused; the kind is always `not_permitted`.',
    { ...CALL, ...TOLD },
  ),
  breakerFailureRatio: metric(
    'gauge',
    ['breakwater.circuit_breaker.failure_ratio', 'resilience4j_circuitbreaker_failure_rate'],
    OF_POLICY,
    'Failures among the calls that a breaker remembers; in Prometheus in percent.',
    { unit: '1', combine: 'max', prometheusScale: 100 },
  ),
  breakerSlowCallRatio: metric(
    'gauge',
    ['breakwater.circuit_breaker.slow_call_ratio', 'resilience4j_circuitbreaker_slow_call_rate'],
    OF_POLICY,
    'Slow calls among those that a breaker remembers; in Prometheus in percent.',
    { unit: '1', combine: 'max', prometheusScale: 100 },
  ),
  breakerCalls: metric(
    'histogram',
    [undefined, 'resilience4j_circuitbreaker_calls_seconds'],
    [...OF_POLICY, 'kind'],
    'How long runs of the function took in a pipeline with a breaker: `successful` or `failed`.',
    { unit: 'ms', ...TOLD },
  ),
  timeouts: metric(
    'counter',
    ['breakwater.timeout.calls', 'resilience4j_timelimiter_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls whose time ran out; the kind is always `timeout`.',
    { ...CALL, ...TOLD },
  ),
  bulkheadLimit: metric(
    'gauge',
    ['breakwater.bulkhead.max_concurrent', 'resilience4j_bulkhead_max_allowed_concurrent_calls'],
    OF_POLICY,
    'How many calls may run at once.',
    CALL,
  ),
  bulkheadAvailable: metric(
    'gauge',
    ['breakwater.bulkhead.available', 'resilience4j_bulkhead_available_concurrent_calls'],
    OF_POLICY,
    'How many more calls may run now.',
    CALL,
  ),
  bulkheadQueued: metric(
    'gauge',
    ['breakwater.bulkhead.queued', 'resilience4j_bulkhead_queue_depth'],
    OF_POLICY,
    'Calls that wait.',
    CALL,
  ),
  bulkheadCalls: metric(
    'counter',
    ['breakwater.bulkhead.calls', 'breakwater_bulkhead_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls by what became of them: `admitted`, `refused`, `withdrawn`.',
    CALL,
  ),
  concurrencyLimit: metric(
    'gauge',
    ['breakwater.adaptive_concurrency.limit', 'breakwater_adaptive_concurrency_limit'],
    OF_POLICY,
    'The limit that was found.',
    CALL,
  ),
  concurrencyInflight: metric(
    'gauge',
    ['breakwater.adaptive_concurrency.inflight', 'breakwater_adaptive_concurrency_inflight'],
    OF_POLICY,
    'Calls that run.',
    CALL,
  ),
  concurrencyQueued: metric(
    'gauge',
    ['breakwater.adaptive_concurrency.queued', 'breakwater_adaptive_concurrency_queued'],
    OF_POLICY,
    'Calls that wait.',
    CALL,
  ),
  concurrencyCalls: metric(
    'counter',
    ['breakwater.adaptive_concurrency.calls', 'breakwater_adaptive_concurrency_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls by what became of them: `admitted`, `refused`, `withdrawn`.',
    CALL,
  ),
  throttlingRatio: metric(
    'gauge',
    ['breakwater.client_throttling.rejection_ratio', 'breakwater_client_throttling_rejection_ratio'],
    OF_POLICY,
    'The probability with which the next call is refused.',
    { unit: '1', combine: 'max' },
  ),
  sheddingLoad: metric(
    'gauge',
    ['breakwater.shedding.load', 'breakwater_shedding_load'],
    OF_POLICY,
    'How much the program has to do: 1 is what it should have at most.',
    { unit: '1', combine: 'max' },
  ),
  sheddingCalls: metric(
    'counter',
    ['breakwater.shedding.calls', 'breakwater_shedding_calls_total'],
    [...OF_POLICY, 'kind', 'priority'],
    'Calls by what became of them: `admitted`, or `refused` because the program has too much to do.',
    CALL,
  ),
  hedgeCalls: metric(
    'counter',
    ['breakwater.hedge.calls', 'breakwater_hedge_calls_total'],
    [...OF_POLICY, 'kind'],
    'Calls by who answered: `first`, `hedge`, or `none`.',
    CALL,
  ),
  hedges: metric(
    'counter',
    ['breakwater.hedge.attempts', 'breakwater_hedge_attempts_total'],
    OF_POLICY,
    'Attempts that were begun beside the first.',
    { unit: '{attempt}' },
  ),
  fallbacks: metric(
    'counter',
    ['breakwater.fallback.calls', 'breakwater_fallback_calls_total'],
    [...OF_POLICY, 'kind'],
    'Failed calls for which a substitute was made: `successful`, or `failed` where that could not be.',
    { ...CALL, ...TOLD },
  ),
  keys: metric('gauge', ['breakwater.keyed.keys', 'breakwater_keyed_keys'], OF_POLICY, 'Keys that are remembered.', {
    unit: '{key}',
  }),
});
