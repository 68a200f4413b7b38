import { createHook } from 'node:async_hooks';
import { bulkhead, circuitBreaker, fallback, hedge, pipeline, retry, timeout } from 'breakwater';
import { expect, it } from 'vitest';

const CALLS = 100;

/** How many promises each of a hundred calls makes, one after the other, `await` of the caller included. */
async function promisesPerCall(call: () => Promise<unknown>): Promise<number> {
  await call();
  let made = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'PROMISE') made++;
    },
  });
  hook.enable();
  for (let n = 0; n < CALLS; n++) await call();
  hook.disable();
  return made / CALLS;
}

const load = async (): Promise<string> => 'item';

it('a call under retry, breaker, bulkhead and fallback makes one promise beside the function’s own', async () => {
  const calls = pipeline(fallback({ value: 'none' }), retry(), circuitBreaker(), bulkhead());
  const bare = await promisesPerCall(load);
  expect((await promisesPerCall(() => calls.execute(load))) - bare).toBeLessThan(1.1);
});

it('a call that a timeout, a signal or a deadline may end makes two', async () => {
  const calls = pipeline(
    timeout({ timeoutMs: 10_000 }),
    retry(),
    circuitBreaker(),
    bulkhead(),
    timeout({ timeoutMs: 2_000 }),
  );
  const free = pipeline(retry());
  const { signal } = new AbortController();
  const bare = await promisesPerCall(load);
  expect((await promisesPerCall(() => calls.execute(load))) - bare).toBeLessThan(2.1);
  expect((await promisesPerCall(() => free.execute(load, { signal }))) - bare).toBeLessThan(2.1);
  expect((await promisesPerCall(() => free.execute(load, { deadlineMs: 5_000 }))) - bare).toBeLessThan(2.1);
});

it('a call under a hedge that is answered in time makes two', async () => {
  const calls = pipeline(hedge(), circuitBreaker());
  const bare = await promisesPerCall(load);
  expect((await promisesPerCall(() => calls.execute(load))) - bare).toBeLessThan(2.1);
});

it('a sixth, a seventh and an eighth policy make none', async () => {
  const five = pipeline(fallback({ value: 0 }), retry(), circuitBreaker(), bulkhead(), retry());
  const eight = pipeline(
    fallback({ value: 0 }),
    retry(),
    circuitBreaker(),
    bulkhead(),
    retry(),
    bulkhead(),
    retry(),
    bulkhead(),
  );
  const made = await promisesPerCall(() => five.execute(load));
  expect((await promisesPerCall(() => eight.execute(load))) - made).toBeLessThan(0.1);
});

it('a call of a synchronous function makes the one that the caller gets', async () => {
  const calls = pipeline(retry(), bulkhead());
  const made = await promisesPerCall(() => calls.execute(() => 'item'));
  const bare = await promisesPerCall(() => Promise.resolve('item'));
  expect(made - bare).toBeLessThan(0.1);
});
