import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../clock/random.ts';
import { VirtualClock } from '../../../clock/virtual-clock.ts';
import { propertyRuns } from '../../../testing/test-support/property-runs.ts';
import type { RedisPort } from '../../../gates/redis/port.ts';
import { redisBus, redisStore } from './redis-store.ts';
import { RepeatedText } from './repeated-text.ts';
import { ServerTime } from './server-time.ts';
import { recordOf } from './stored-value.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const digits = (number: number): string => String(number).padStart(16, '0');

/** A server with one value and at most one generation, whose clock is at 5,000 when ours is at 0. */
function serverOn(clock: VirtualClock, more: Partial<RedisPort> = {}) {
  const sent: string[] = [];
  const state = { generation: 'g1' as string | null, expiresAt: 8_000, fails: undefined as Error | undefined };
  const port: RedisPort = {
    send: async ([name, script]) => {
      sent.push(String(name));
      if (state.fails !== undefined) throw state.fails;
      if (name === 'SCRIPT') return bytes(`hash of ${String(script).length}`);
      const value = bytes(digits(7) + digits(state.expiresAt) + 'value');
      const generation = state.generation === null ? null : bytes(state.generation);
      if (name === 'MGET') return [value, generation];
      if (name === 'SCAN') return [bytes('0'), [bytes('ns:v:a')]];
      state.generation ??= 'made';
      return [bytes(String(5_000 + clock.now())), value, bytes(state.generation)];
    },
    ...more,
  };
  const store = redisStore(port, { clock, random: seededRandom(1) }).open('ns');
  return { sent, state, store, port };
}

describe('what Redis holds under the key of a value', () => {
  it('is a version, an expiry and the value', () => {
    expect(recordOf(bytes(digits(7) + digits(8_000) + 'abc'), 5_000)).toEqual({
      version: 7,
      bytes: bytes('abc'),
      remainingMs: 3_000,
    });
  });

  it('is a deletion when there is nothing but a version', () => {
    expect(recordOf(bytes(digits(7)), 0)).toEqual({ version: 7, bytes: undefined, remainingMs: 0 });
  });

  it('lasts for ever without an expiry', () => {
    expect(recordOf(bytes(`${digits(7)}${digits(0)}abc`), 5_000)?.remainingMs).toBe(Infinity);
  });

  it('is no value any more once its time is over, though it is still there', () => {
    expect(recordOf(bytes(`${digits(7)}${digits(5_000)}abc`), 5_000)).toMatchObject({ version: 7, bytes: undefined });
  });

  it.each(['', 'x', digits(0), `${digits(7)}x`, `${digits(7)}${'x'.repeat(16)}`, 'something else that is long enough'])(
    'is found out when something else stands there: %o',
    (text) => {
      expect(recordOf(bytes(text), 0)).toEqual({ version: 0, bytes: bytes(text), remainingMs: Infinity });
    },
  );

  it('is nothing where there is nothing, and an error where a port gives texts', () => {
    expect([recordOf(null, 0), recordOf(undefined, 0)]).toEqual([undefined, undefined]);
    expect(() => recordOf('text', 0)).toThrow(TypeError);
  });
});

describe('the time of the server', () => {
  it('is never behind the server’s, and ahead by no more than an answer takes', async () => {
    const ms = fc.integer({ min: 0, max: 500 });
    await fc.assert(
      fc.asyncProperty(ms, ms, fc.integer({ min: -1e9, max: 1e9 }), async (there, back, offset) => {
        const clock = new VirtualClock();
        const time = new ServerTime(clock);
        const askedAt = time.asking();
        await clock.advance(there);
        const told = clock.now() + offset;
        await clock.advance(back);
        time.told(told, askedAt);
        const ahead = time.now() - (clock.now() + offset);
        expect(ahead).toBeGreaterThanOrEqual(0);
        expect(ahead).toBeLessThanOrEqual(there + back);
      }),
      propertyRuns(200),
    );
  });

  it('is what was asked for last, whichever answer comes first', async () => {
    const clock = new VirtualClock();
    const time = new ServerTime(clock);
    const first = time.asking();
    await clock.advance(10);
    const second = time.asking();
    time.told(2_010, second);
    time.told(1_000, first);
    expect(time.now()).toBe(2_010);
  });
});

describe('texts that repeat', () => {
  it('are what the replies say, also after another of the same length', () => {
    const texts = new RepeatedText();
    const replies = ['one', 'one', 'two', 'one', 'three', '', 'one'];
    expect(replies.map((reply) => texts.of(bytes(reply)))).toEqual(replies);
  });

  it('do not change with the reply that they came in', () => {
    const texts = new RepeatedText();
    const reply = bytes('one');
    texts.of(reply);
    reply.set(bytes('two'));
    expect([texts.of(reply), texts.of(bytes('one'))]).toEqual(['two', 'one']);
  });

  it('may come as texts', () => {
    expect(new RepeatedText().of('one')).toBe('one');
  });
});

describe('reading from Redis', () => {
  it('asks a script once a second, which tells the server’s time, and plainly in between', async () => {
    const clock = new VirtualClock();
    const { store, sent } = serverOn(clock);
    for (const _ of [1, 2, 3]) {
      const { records, generations } = await store.read(['a'], ['']);
      expect(records[0]).toMatchObject({ version: 7, remainingMs: 3_000 - clock.now() });
      expect(generations).toEqual(['g1']);
      await clock.advance(400);
    }
    await store.read(['a'], ['']);
    expect(sent.filter((name) => name !== 'SCRIPT')).toEqual(['EVAL', 'MGET', 'MGET', 'EVALSHA']);
  });

  it('has the script make a generation that is not there', async () => {
    const clock = new VirtualClock();
    const { store, state, sent } = serverOn(clock);
    await store.read(['a'], ['']);
    state.generation = null;
    expect((await store.read(['a'], [''])).generations).toEqual(['made']);
    expect(sent.slice(-2)).toEqual(['MGET', 'EVALSHA']);
  });

  it('learns the hash of a script anew after it could not, and sends the script meanwhile', async () => {
    const clock = new VirtualClock();
    const { store, state, sent } = serverOn(clock);
    state.fails = new Error('refused');
    await expect(store.read(['a'], [''])).rejects.toThrow('refused');
    state.fails = undefined;
    await store.read(['a'], ['']);
    await clock.advance(1_000);
    await store.read(['a'], ['']);
    expect(sent.filter((name) => name !== 'SCRIPT')).toEqual(['EVAL', 'EVAL', 'EVALSHA']);
  });

  it('fails with what Redis says of a script that it knows', async () => {
    const clock = new VirtualClock();
    const { store, state } = serverOn(clock);
    await store.read(['a'], ['']);
    await clock.advance(1_000);
    state.fails = new Error('OOM command not allowed');
    await expect(store.read(['a'], [''])).rejects.toThrow('OOM');
  });
});

describe('what is sent to Redis', () => {
  it('keeps a value for ever where its life is longer than Redis can tell, and at least a millisecond', async () => {
    const commands: (readonly unknown[])[] = [];
    const { port } = serverOn(new VirtualClock());
    const noting: RedisPort = {
      send: (command, route) => {
        if (command[0] !== 'SCRIPT') commands.push(command);
        return port.send(command, route).then(() => 7);
      },
    };
    const store = redisStore(noting, { random: seededRandom(1) }).open('ns');
    for (const lifeMs of [Infinity, 0.2, 1_500.4]) await store.write('a', bytes('x'), lifeMs, 0);
    expect(commands.map((command) => command[6])).toEqual(['0', '1', '1501']);
  });

  it('takes a lease where nobody has one, and gives back its own only', async () => {
    const commands: (readonly unknown[])[] = [];
    let isFree = true;
    const port: RedisPort = {
      send: async (command) => {
        commands.push(command);
        return command[0] === 'SET' && isFree ? bytes('OK') : null;
      },
    };
    const store = redisStore(port).open('a:b');
    const first = await store.lease('k', 'me', 500);
    isFree = false;
    expect([first, await store.lease('k', 'me', 500)]).toEqual([true, false]);
    await store.release('k', 'me');
    expect(commands[0]).toEqual(['SET', 'a%3Ab:l:k', 'me', 'NX', 'PX', '500']);
    expect(commands.at(-1)!.slice(2)).toEqual(['1', 'a%3Ab:l:k', 'me']);
  });

  it('asks each node of a cluster for the keys that lie there, and for generations only where there are tags', async () => {
    const { store, sent } = serverOn(new VirtualClock(), { isCluster: true });
    const reading = await store.read(['a', 'b'], []);
    expect([reading.records.length, reading.generations]).toEqual([2, []]);
    expect(sent.filter((name) => name !== 'SCRIPT')).toEqual(['EVAL', 'EVAL']);
  });
});

describe('a port of Redis', () => {
  it('that knows no node of its cluster can’t be scanned: that is no empty answer', async () => {
    const { store } = serverOn(new VirtualClock(), { nodes: () => [] });
    await expect(store.scan('*')[Symbol.asyncIterator]().next()).rejects.toThrow('no node');
  });

  it('is scanned node by node', async () => {
    const { store, port } = serverOn(new VirtualClock());
    const { store: cluster } = serverOn(new VirtualClock(), { nodes: () => [port.send, port.send] });
    const found: (readonly string[])[][] = [];
    for (const each of [store, cluster]) {
      const portions: (readonly string[])[] = [];
      for await (const portion of each.scan('*')) portions.push(portion);
      found.push(portions);
    }
    expect(found).toEqual([[['a']], [['a'], ['a']]]);
  });

  it('without subscribe is no bus', () => {
    expect(() => redisBus(serverOn(new VirtualClock()).port)).toThrow(TypeError);
  });
});
