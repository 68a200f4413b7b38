// A user's program in small, compiled against the packed types by scripts/consumer-check.mjs.
import { bulkhead, circuitBreaker, exponential, fallback, pipeline, retry, timeout } from 'breakwater';
import { VirtualClock } from 'breakwater/testing';

const clock: VirtualClock = new VirtualClock();
const breaker = circuitBreaker({ failureRatio: 0.5, minThroughput: 10, samplingMs: 10_000, breakMs: 30_000 });
const inventory = pipeline(
  { name: 'inventory', clock },
  timeout({ timeoutMs: 10_000 }),
  retry({ maxAttempts: 4, backoff: exponential({ initialMs: 200, maxMs: 5_000 }), jitter: 'full' }),
  breaker,
  bulkhead({ maxConcurrent: 10, maxQueue: 50, maxQueueWaitMs: 500 }),
  timeout({ timeoutMs: 2_000 }),
);

export const state: 'closed' | 'open' | 'half-open' | 'isolated' = breaker.state;
export const load = (sku: string): Promise<number> =>
  inventory.execute(async ({ signal }) => (signal.aborted ? 0 : sku.length));
export const withDefault = pipeline(fallback({ value: 0 }));
