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
  const order: string[] = [];
  const ended = new Promise<void>((resolve) => {
    atTurnEnd(() => {
      order.push('end');
      resolve();
    });
    vi.unstubAllGlobals();
  });
  void Promise.resolve().then(() => order.push('microtask'));
  await ended;
  expect(order).toEqual(['microtask', 'end']);
});
