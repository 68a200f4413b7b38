import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../clock/random.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { deferred } from '../../testing/test-support/watched.ts';
import { Bus, type BusListener, type BusNews, type BusPort } from './bus.ts';

/** A bus of which everything that it tells is noted. */
function busOn(port: BusPort) {
  const clock = new VirtualClock();
  const told: string[] = [];
  const listener: BusListener = {
    heard: (news) => told.push(`heard ${news.about}`),
    missed: () => told.push('missed'),
    stateChanged: (state) => told.push(state),
    failed: (error) => told.push((error as Error).message),
  };
  const bus = new Bus({ source: { open: () => port } }, 'ns', clock, seededRandom(1), listener);
  return { bus, clock, told };
}

/** A channel that gives back what is said on it. */
function channel() {
  const listeners = new Set<(message: string) => void>();
  const port: BusPort = {
    publish: async (message) => {
      for (const listener of listeners) listener(message);
    },
    subscribe: async (onMessage) => {
      listeners.add(onMessage);
      return () => listeners.delete(onMessage);
    },
  };
  const say = (from: string, number: number, news: BusNews): void => {
    for (const listener of listeners) listener(JSON.stringify({ from, number, news }));
  };
  return { port, say, listeners };
}

describe('a bus', () => {
  it('asks again to subscribe when it could not, and says that it could not', async () => {
    const { port } = channel();
    let refusals = 2;
    const { bus, clock, told } = busOn({
      ...port,
      subscribe: (onMessage) => (refusals-- > 0 ? Promise.reject(new Error('refused')) : port.subscribe(onMessage)),
    });
    await clock.advance(600);
    expect(told).toEqual(['refused', 'refused', 'missed', 'connected']);
    bus.close();
  });

  it('asks once at a time though the answer takes its time', async () => {
    const answer = deferred<() => void>();
    let questions = 0;
    const { bus, clock } = busOn({
      publish: () => Promise.resolve(),
      subscribe: () => {
        questions++;
        return answer.promise;
      },
    });
    await clock.advance(2_000);
    expect(questions).toBe(1);
    bus.close();
  });

  it('lets go of a subscription that comes after it was closed, and sends nothing more', async () => {
    const answer = deferred<() => void>();
    const sent: string[] = [];
    let ended = 0;
    const { bus, clock } = busOn({
      publish: async (message) => void sent.push(message),
      subscribe: () => answer.promise,
    });
    bus.close();
    answer.resolve(() => void ended++);
    await clock.advance(2_000);
    expect([ended, sent, clock.pendingTimers]).toEqual([1, [], 0]);
  });

  it('hears nothing more once it is closed', async () => {
    const { port, say, listeners } = channel();
    const { bus, clock, told } = busOn(port);
    await clock.advance(10);
    const late = [...listeners];
    bus.close();
    for (const listener of late) listeners.add(listener);
    const before = told.length;
    say('other', 1, { about: 'key', key: 'a', version: 1 });
    expect(told).toHaveLength(before);
  });

  it('tells what failed to be said, and that a message of another is missing', async () => {
    const { port, say } = channel();
    let isCut = false;
    const { bus, clock, told } = busOn({
      ...port,
      publish: (message) => (isCut ? Promise.reject(new Error('cut')) : port.publish(message)),
    });
    await clock.advance(10);
    told.length = 0;
    say('other', 1, { about: 'life' });
    say('other', 3, { about: 'key', key: 'a', version: 1 });
    isCut = true;
    await bus.tell({ about: 'tags', tags: ['t'] });
    expect(told).toEqual(['heard life', 'missed', 'heard key', 'cut']);
    bus.close();
  });

  it('remembers a bounded number of others, and takes one that it has forgotten for new', async () => {
    const { port, say } = channel();
    const { bus, clock, told } = busOn(port);
    await clock.advance(10);
    for (let n = 0; n < 1_500; n++) say(`process ${n}`, 1, { about: 'life' });
    told.length = 0;
    // Its first number is not remembered, so nothing is known to be missing.
    say('process 0', 5, { about: 'life' });
    say('process 1499', 5, { about: 'life' });
    expect(told).toEqual(['heard life', 'missed', 'heard life']);
    bus.close();
  });
});
