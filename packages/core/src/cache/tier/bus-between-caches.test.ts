import { describe, expect, it } from 'vitest';
import type { VirtualClock } from '../../clock/virtual-clock.ts';
import { watched } from '../../testing/test-support/watched.ts';
import { sharing } from '../test-support/sharing.ts';
import type { BusSource } from './bus.ts';

/** Ends what needs time, in virtual time. */
async function soon<T>(clock: VirtualClock, promise: Promise<T>, ms = 0): Promise<T> {
  const seen = watched(promise);
  await clock.advance(ms);
  expect(seen.state).toBe('fulfilled');
  return seen.value as T;
}

/** A bus that all who open it share. */
function sharedBus(): BusSource {
  const listeners = new Set<(message: string) => void>();
  return {
    open: () => ({
      publish: async (message) => {
        for (const listener of listeners) listener(message);
      },
      subscribe: async (onMessage) => {
        listeners.add(onMessage);
        return () => listeners.delete(onMessage);
      },
    }),
  };
}

describe('the bus', () => {
  function buses() {
    const listeners = new Set<(message: string) => void>();
    const lines = { cut: false };
    const source: BusSource = {
      open: () => ({
        publish: async (message) => {
          if (lines.cut) throw new Error('cut');
          for (const listener of listeners) listener(message);
        },
        subscribe: async (onMessage) => {
          const listener = (message: string): void => {
            if (!lines.cut) onMessage(message);
          };
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      }),
    };
    return { source, lines, listeners };
  }

  it('drops everything from memory when it comes back, since it may have missed something', async () => {
    const { clock, cacheOn } = sharing();
    const { source, lines, listeners } = buses();
    const [one, two] = [cacheOn({ bus: { source } }), cacheOn({ bus: { source } })];
    const states: string[] = [];
    two.on('cache-bus', ({ state }) => states.push(state));
    await clock.advance(10);
    await soon(clock, one.set('a', 'old'));
    expect(await soon(clock, two.get('a'))).toBe('old');
    lines.cut = true;
    await soon(clock, one.set('a', 'new'));
    await clock.advance(1_500);
    expect([two.peek('a'), states]).toEqual(['old', ['connected', 'lost']]);
    lines.cut = false;
    await clock.advance(500);
    expect([await soon(clock, two.get('a')), states.at(-1)]).toEqual(['new', 'connected']);
    await soon(clock, one.close());
    await soon(clock, two.close());
    expect([listeners.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('drops everything when a single message is missing', async () => {
    const { clock, cacheOn } = sharing();
    const { source, lines } = buses();
    const [one, two] = [cacheOn({ bus: { source } }), cacheOn({ bus: { source } })];
    await clock.advance(10);
    await soon(clock, one.set('a', 'old'));
    await soon(clock, two.get('a'));
    lines.cut = true;
    await soon(clock, one.set('a', 'new'));
    lines.cut = false;
    await clock.advance(300);
    expect(await soon(clock, two.get('a'))).toBe('new');
  });

  it('ignores what others say on its channel', async () => {
    const { clock, cacheOn } = sharing();
    const { source, listeners } = buses();
    const cache = cacheOn({ bus: { source } });
    await clock.advance(10);
    await soon(clock, cache.set('a', 1));
    for (const text of [
      'nonsense',
      'null',
      '{}',
      '{"from":"x","number":1,"news":null}',
      '{"from":"x","number":2,"news":{"about":"tags"}}',
      '[]',
    ]) {
      for (const listener of listeners) listener(text);
    }
    expect(cache.peek('a')).toBe(1);
  });
});

describe('what another process has changed while a value was loaded', () => {
  it('is not overwritten, and what was set here meanwhile stays', async () => {
    const { clock, store, cacheOn } = sharing();
    const [one, two] = [cacheOn(), cacheOn()];
    await one.get('a');
    store.delayMs = 20;
    const call = watched(one.getOrLoad('a', () => 'loaded'));
    await clock.advance(20);
    store.delayMs = 0;
    await two.set('a', 'other');
    // The load has been written, or refused, while this stands in memory.
    await one.set('a', 'set');
    await clock.advance(100);
    expect([call.state, one.peek('a')]).toEqual(['fulfilled', 'set']);
  });

  it('is heard of over the bus, but not what this process has from it already', async () => {
    const { clock, cacheOn } = sharing();
    const source = sharedBus();
    const [one, two] = [cacheOn({ bus: { source } }), cacheOn({ bus: { source } })];
    await clock.advance(10);
    const remote: unknown[] = [];
    two.on('cache-invalidated', ({ key, remote: isRemote }) => isRemote && remote.push(key));
    await one.set('a', 1);
    await two.get('a');
    // Said again, as by a bus that repeats itself.
    const version = (await two.inspect('a'))!.version;
    const port = source.open('');
    await port.publish(JSON.stringify({ from: 'x', number: 1, news: { about: 'key', key: 'a', version } }));
    expect([two.peek('a'), remote]).toEqual([1, ['a']]);
    await port.publish(
      JSON.stringify({ from: 'x', number: 2, news: { about: 'key', key: 'a', version: version + 1 } }),
    );
    expect([two.peek('a'), remote]).toEqual([undefined, ['a', 'a']]);
    await Promise.all([one.close(), two.close()]);
  });

  it('wakes those who wait for their turn', async () => {
    const { clock, store, cacheOn } = sharing();
    const source = sharedBus();
    const more = { distributedFlight: true, bus: { source } };
    const [one, two] = [cacheOn(more), cacheOn(more)];
    await clock.advance(10);
    await store.lease('a', 'somebody else');
    const calls = [one, two].map((cache) => watched(cache.getOrLoad('a', () => 'never')));
    const [again] = [watched(one.getOrLoad('a', () => 'never'))];
    await clock.advance(10);
    await cacheOn({ bus: { source } }).set('a', 'theirs');
    await clock.advance(5);
    expect([...calls, again].map(({ value }) => value)).toEqual(['theirs', 'theirs', 'theirs']);
  });
});
