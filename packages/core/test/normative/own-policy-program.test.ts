/** A user's own policies, as the documentation shows them: each in under twenty lines. */
import { type AroundPolicy, type HookPolicy, pipeline, retry } from 'breakwater';
import { VirtualClock } from 'breakwater/testing';
import { expect, expectTypeOf, it } from 'vitest';

it('one by an async function measures what is inside', async () => {
  const clock = new VirtualClock();
  const took: number[] = [];
  const stopwatch: AroundPolicy = {
    kind: 'stopwatch',
    async around(_context, next) {
      const startedAt = clock.now();
      try {
        return await next();
      } finally {
        took.push(clock.now() - startedAt);
      }
    },
  };
  const calls = pipeline({ clock }, stopwatch, retry({ jitter: 'none' }));
  const call = calls.execute(({ attempt }) => (attempt === 1 ? Promise.reject(new Error('down')) : ('item' as const)));
  expectTypeOf(call).toEqualTypeOf<Promise<'item'>>();
  await clock.runAll();
  await expect(call).resolves.toBe('item');
  expect(took).toEqual([1_000]);
});

it('one by hooks counts calls that fail, and may refuse them', async () => {
  let failures = 0;
  const fuse: HookPolicy<object, never> = {
    kind: 'fuse',
    enter: () => (failures < 2 ? undefined : { ok: false, error: new Error('blown'), attempts: 0 }),
    leave(_call, _at, outcome) {
      if (!outcome.ok) failures++;
      return outcome;
    },
    cancel: () => undefined,
  };
  const calls = pipeline(fuse);
  const errors: string[] = [];
  for (let n = 0; n < 3; n++) {
    const outcome = await calls.tryExecute(() => Promise.reject(new Error('down')));
    if (!outcome.ok) errors.push((outcome.error as Error).message);
  }
  expect(errors).toEqual(['down', 'down', 'blown']);
});
