/**
 * Makes ten thousand breakers that nobody keeps, and prints how many of them are left: of those in use by pipelines, and of
 * those under a control. Run it with --expose-gc.
 */
import { circuitBreaker } from '../../../src/circuit-breaker/circuit-breaker.ts';
import { circuitControl } from '../../../src/circuit-breaker/control.ts';
import { consecutive } from '../../../src/circuit-breaker/trip-rules.ts';
import { pipeline } from '../../../src/pipeline/pipeline.ts';

const { gc } = globalThis as unknown as { readonly gc: () => void };
const BREAKERS = 10_000;
const down = (): Promise<string> => Promise.reject(new Error('down'));

/** What was looked at in one turn of the event loop is kept until the next. */
async function collect(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  gc();
}

const inUse: WeakRef<object>[] = [];
const control = circuitControl();
control.isolate('maintenance');
for (let n = 0; n < BREAKERS; n++) {
  control.add(circuitBreaker());
  const breaker = circuitBreaker({ trip: consecutive(1) });
  inUse.push(new WeakRef(breaker));
  await pipeline(breaker).tryExecute(down);
  if (n % 1_000 === 0) await collect();
}
await collect();
const left = inUse.filter((ref) => ref.deref() !== undefined).length;
process.stdout.write(JSON.stringify([left, control.breakers.length]));
process.exit();
