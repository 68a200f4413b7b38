/** Prints how many bytes a call allocates. Run it with a young generation so large that nothing is collected meanwhile. */
import { bulkhead } from '../../../src/bulkhead/bulkhead.ts';
import { circuitBreaker } from '../../../src/circuit-breaker/circuit-breaker.ts';
import { fallback } from '../../../src/fallback/fallback.ts';
import { pipeline } from '../../../src/pipeline/pipeline.ts';
import { retry } from '../../../src/retry/retry.ts';
import { timeout } from '../../../src/timeout/timeout.ts';

const load = async (): Promise<string> => 'item';
const five = pipeline(
  timeout({ timeoutMs: 10_000 }),
  fallback({ value: 'none' }),
  retry(),
  circuitBreaker(),
  bulkhead(),
);
const call = process.argv[2] === 'bare' ? load : () => five.execute(load);

async function run(calls: number): Promise<void> {
  for (let n = 0; n < calls; n++) await call();
}

// The first calls fill caches and compile; the measured ones run optimised.
await run(100_000);
const CALLS = 50_000;
const before = process.memoryUsage().heapUsed;
await run(CALLS);
process.stdout.write(`${(process.memoryUsage().heapUsed - before) / CALLS}\n`);
process.exit();
