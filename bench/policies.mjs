// The same settings for everybody: three attempts; five seconds; half of the calls of ten seconds, break thirty; ten at
// once and ten in the queue; 0 in place of a failure.
import { bulkhead, circuitBreaker, fallback, hedge, retry, timeout } from '../packages/core/dist/index.js';

export const work = async () => 1;

/** The bare call, in a closure as every candidate is, so that the closure is in every column. */
export const bareCall = () => work();

export const timeoutMs = 5000;
const samplingMs = 10_000;
const breakMs = 30_000;
const retries = 2;
const concurrent = 10;
const queue = 10;

/** Ours, by the name of what they do. */
export const ours = {
  retry: () => retry({ maxAttempts: retries + 1 }),
  timeout: () => timeout({ timeoutMs }),
  breaker: (options = {}) => circuitBreaker({ failureRatio: 0.5, minThroughput: 10, samplingMs, breakMs, ...options }),
  bulkhead: () => bulkhead({ maxConcurrent: concurrent, maxQueue: queue }),
  fallback: () => fallback({ value: 0 }),
  hedge: () => hedge(),
};

/** Cockatiel's. */
export const cockatielPolicies = ({
  bulkhead: bulkheadOf,
  circuitBreaker: breakerOf,
  ExponentialBackoff,
  fallback: fallbackOf,
  handleAll,
  retry: retryOf,
  SamplingBreaker,
  timeout: timeoutOf,
  TimeoutStrategy,
}) => ({
  retry: () => retryOf(handleAll, { maxAttempts: retries, backoff: new ExponentialBackoff() }),
  timeout: () => timeoutOf(timeoutMs, TimeoutStrategy.Aggressive),
  breaker: (breaker = new SamplingBreaker({ threshold: 0.5, duration: samplingMs, minimumRps: 1 })) =>
    breakerOf(handleAll, { halfOpenAfter: breakMs, breaker }),
  bulkhead: () => bulkheadOf(concurrent, queue),
  fallback: () => fallbackOf(handleAll, 0),
});

/** Mollitia's. Its breaker over time keeps every call of the window in a list and filters it on each call; the one by count stands in. */
export const mollitiaModules = ({ Bulkhead, Fallback, Retry, RetryMode, SlidingCountBreaker, Timeout }) => ({
  retry: () => new Retry({ attempts: retries, interval: 1000, mode: RetryMode.EXPONENTIAL }),
  timeout: () => new Timeout({ delay: timeoutMs }),
  breaker: (options = {}) =>
    new SlidingCountBreaker({
      slidingWindowSize: 100,
      minimumNumberOfCalls: 10,
      failureRateThreshold: 50,
      openStateDelay: breakMs,
      ...options,
    }),
  bulkhead: () => new Bulkhead({ concurrentSize: concurrent, queueSize: queue }),
  fallback: () => new Fallback({ callback: () => 0 }),
});

/** A candidate that runs `fn` in a circuit of these modules of mollitia. */
export function mollitiaCircuit({ Circuit }, modules, fn = work) {
  const circuit = new Circuit({ func: fn, options: { modules } });
  return () => circuit.execute();
}

/** Options of an opossum breaker; it has no policy of its own for a time limit, so that stands off unless asked for. */
export const opossumOptions = (options = {}) => ({
  timeout: false,
  errorThresholdPercentage: 50,
  volumeThreshold: 10,
  rollingCountTimeout: samplingMs,
  resetTimeout: breakMs,
  ...options,
});

export const pRetryOptions = { retries, minTimeout: 1000, factor: 2, randomize: true };

export const limits = { concurrent, queue };
