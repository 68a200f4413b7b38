import { expect, it, vi } from 'vitest';
import { atTurnEnd } from './turn-end.ts';
import { VirtualClock } from './virtual-clock.ts';

it('the end of a turn comes after all microtasks, those included that microtasks queue', async () => {
  const order: string[] = [];
  atTurnEnd(() => order.push('end'));
  void (async () => {
    for (let hop = 0; hop < 100; hop++) await Promise.resolve();
    order.push('microtasks');
  })();
  await new VirtualClock().advance(0);
  expect(order).toEqual(['microtasks', 'end']);
});

it('the end of a turn comes also where the platform has no ticks', async () => {
  vi.stubGlobal('process', undefined);
  vi.resetModules();
  const { atTurnEnd: withoutTicks } = await import('./turn-end.ts?without-ticks' as './turn-end.ts');
  vi.unstubAllGlobals();
  const order: string[] = [];
  const ended = new Promise<void>((resolve) => {
    withoutTicks(() => {
      order.push('end');
      resolve();
    });
  });
  void Promise.resolve().then(() => order.push('microtask'));
  await ended;
  expect(order).toEqual(['microtask', 'end']);
});
