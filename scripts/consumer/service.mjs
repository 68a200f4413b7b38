// A user's program in small, run on the packed library on the oldest Node that is supported, by scripts/smoke.mjs.
import assert from 'node:assert/strict';
import { circuitBreaker, constant, pipeline, retry, timeout } from 'breakwater';

let calls = 0;
const flaky = pipeline(
  { name: 'smoke' },
  timeout({ timeoutMs: 5_000 }),
  retry({ maxAttempts: 3, backoff: constant(1) }),
  circuitBreaker({ failureRatio: 0.5, minThroughput: 10, samplingMs: 10_000, breakMs: 30_000 }),
);
const value = await flaky.execute(async () => {
  calls += 1;
  if (calls < 3) throw new Error(`failure ${calls}`);
  return 'answered';
});
assert.equal(value, 'answered');
assert.equal(calls, 3);

const slow = pipeline(timeout({ timeoutMs: 10 }));
const outcome = await slow.tryExecute(
  ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    }),
);
assert.equal(outcome.ok, false);
await flaky.close();
