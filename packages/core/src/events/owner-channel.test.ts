import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { OwnerChannel } from './owner-channel.ts';

interface Events {
  moved: { readonly from: number; readonly to: number };
}

const facts = { from: 1, to: 2 };

describe('the channel of one who tells of itself', () => {
  it('tells an event in the name of its owner, without a pipeline, at the time of its clock', async () => {
    const clock = new VirtualClock();
    await clock.advance(250);
    const channel = new OwnerChannel<Events>('lift', () => clock);
    const heard: unknown[] = [];
    channel.on('moved', (event) => void heard.push(event));
    channel.tell('moved', facts);
    channel.tell('moved', facts, 'north');
    const envelope = { type: 'moved', pipeline: undefined, policy: 'lift', timestamp: clock.wallTime() };
    expect(heard).toStrictEqual([
      { ...envelope, key: undefined, ...facts },
      { ...envelope, key: 'north', ...facts },
    ]);
  });

  it('tells in nobody’s name where its owner has none', () => {
    const channel = new OwnerChannel<Events>(undefined, () => new VirtualClock());
    const names: unknown[] = [];
    channel.on('*', ({ policy }) => void names.push(policy));
    channel.tell('moved', facts);
    expect(names).toEqual([undefined]);
  });

  it('takes the clock that its owner has by then', async () => {
    let clock = new VirtualClock();
    const channel = new OwnerChannel<Events>('lift', () => clock);
    const times: number[] = [];
    channel.on('moved', ({ timestamp }) => void times.push(timestamp));
    clock = new VirtualClock();
    await clock.advance(1_000);
    channel.tell('moved', facts);
    expect(times).toEqual([clock.wallTime()]);
  });

  it('makes no event and reads no clock when nobody listens to it', () => {
    const channel = new OwnerChannel<Events & { other: object }>('lift', () => {
      throw new Error('read for nobody');
    });
    channel.tell('moved', facts);
    channel.on('other', () => undefined);
    expect(() => channel.tell('moved', facts)).not.toThrow();
  });
});
