import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../errors/configuration-error.ts';
import { EventChannel } from '../../events/channel.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { hedge } from '../../hedge/hedge.ts';
import { retry } from '../../retry/retry.ts';
import { timeout } from '../../timeout/timeout.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { batcher } from '../../work/batcher.ts';
import { testTracer } from './test-support/test-tracer.ts';
import { tracing } from './tracing.ts';

describe('a tracer that throws', () => {
  it.each(['startSpan', 'end', 'with'] as const)('in %s changes nothing of the call, and is told', async (method) => {
    const { ports } = testTracer({ throwsIn: method });
    const calls = pipeline({ name: 'stock' }, tracing(ports), retry({ maxAttempts: 1 }));
    const told: unknown[] = [];
    calls.on('hook-failed', ({ hook, error }) => told.push([hook, (error as Error).message]));
    let runs = 0;
    expect(await calls.execute(() => ++runs)).toBe(1);
    await expect(calls.execute(() => Promise.reject(new RangeError('own')))).rejects.toThrow('own');
    expect(runs).toBe(1);
    expect(told).toContainEqual(['tracer', `${method} is broken`]);
  });

  it.each(['startSpan', 'end', 'with'] as const)(
    'in %s changes nothing of code in a span of its own',
    async (method) => {
      const { ports } = testTracer({ throwsIn: method });
      const trace = tracing(ports);
      const told: unknown[] = [];
      trace.events.on('hook-failed', ({ policy, error }) => told.push([policy, (error as Error).message]));
      let runs = 0;
      expect(trace.span('a', () => ++runs)).toBe(1);
      expect(await trace.span('b', () => Promise.resolve(++runs))).toBe(2);
      await expect(trace.span('c', () => Promise.reject(new RangeError('own')))).rejects.toThrow('own');
      const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      expect(trace.continueFrom({ traceparent }, () => ++runs)).toBe(3);
      expect(told).toContainEqual(['tracing', `${method} is broken`]);
      expect(told.length).toBeGreaterThanOrEqual(3);
    },
  );

  it('in its surroundings, after the function has thrown, hides nothing of what that threw', async () => {
    const { ports } = testTracer();
    const calls = pipeline(tracing(ports));
    const own = new Error('own');
    await expect(
      calls.execute(() => {
        throw own;
      }),
    ).rejects.toBe(own);
  });
});

describe('the spans of a call', () => {
  it('are all ended, once each, however the call ends', async () => {
    const clock = new VirtualClock();
    const { ports, spans } = testTracer();
    const trace = tracing(ports);
    const calls = pipeline(
      { name: 'stock', clock },
      trace,
      timeout({ timeoutMs: 1_000 }),
      hedge({ delayMs: 100, maxAttempts: 3 }),
      timeout({ timeoutMs: 250 }),
    );
    const outer = pipeline({ clock }, timeout({ timeoutMs: 150 }), calls);
    const never = (): Promise<never> => new Promise(() => undefined);
    const controller = new AbortController();
    const all = [
      calls.tryExecute(() => 'item'),
      calls.tryExecute(never),
      calls.tryExecute(never, { signal: controller.signal }),
      outer.tryExecute(never),
    ];
    await clock.advance(120);
    controller.abort();
    await clock.advance(5_000);
    await Promise.all(all);
    expect(spans.length).toBeGreaterThan(10);
    expect(spans.map(({ ended }) => ended)).toEqual(spans.map(() => 1));
  });

  it('know nothing of what comes too late', async () => {
    const clock = new VirtualClock();
    const { ports, spans } = testTracer();
    const calls = pipeline({ name: 'stock', clock }, tracing(ports), timeout({ timeoutMs: 100 }));
    let answer: (value: string) => void = () => undefined;
    const call = calls.tryExecute(() => new Promise<string>((resolve) => (answer = resolve)));
    await clock.advance(100);
    await call;
    answer('late');
    await clock.advance(1);
    const attempt = spans.find(({ name }) => name === 'stock attempt')!;
    expect([attempt.ended, attempt.attributes['error.type']]).toEqual([1, 'TIMEOUT']);
  });

  it('are made in synchronous calls too', () => {
    const { ports, spans } = testTracer();
    expect(pipeline({ name: 'stock' }, tracing(ports)).executeSync(() => 7)).toBe(7);
    expect(spans.map(({ name, ended }) => [name, ended])).toEqual([
      ['stock', 1],
      ['stock attempt', 1],
    ]);
  });

  it('of each tracing of a pipeline stand one within the other', async () => {
    const { ports, spans } = testTracer();
    const calls = pipeline({ name: 'stock' }, tracing(ports), tracing({ ...ports, name: 'inner' }));
    await calls.execute(() => 'item');
    expect(spans.map(({ name }) => name)).toEqual(['stock', 'stock', 'stock attempt', 'stock attempt']);
    expect(spans.every(({ ended }) => ended === 1)).toBe(true);
  });

  it('carry the key of the call where that was asked for, redacted', async () => {
    const { ports, spans } = testTracer();
    for (const keys of [false, true])
      await pipeline(tracing({ ...ports, keys })).execute(() => 1, { key: 'token=hunter2' });
    const keys = spans.filter(({ name }) => name === 'call').map(({ attributes }) => attributes['operation.key']);
    expect(keys).toEqual([undefined, 'token=[redacted]']);
  });
});

describe('a span of your own', () => {
  it('passes results, promises and errors unchanged, and ends with them', async () => {
    const { ports, spans } = testTracer();
    const trace = tracing({ ...ports, errorMessages: true });
    const promise = Promise.resolve('b');
    expect(trace.span('a', () => 'a')).toBe('a');
    expect(trace.span('b', () => promise)).toBe(promise);
    expect(() =>
      trace.span('c', () => {
        throw new RangeError('password=hunter2');
      }),
    ).toThrow(RangeError);
    await expect(trace.span('d', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const odd: unknown = Object.create(null);
    await expect(trace.span('e', () => Promise.reject(odd))).rejects.toBe(odd);
    expect(spans.map(({ name, ended, status }) => [name, ended, status?.message])).toEqual([
      ['a', 1, undefined],
      ['b', 1, undefined],
      ['c', 1, 'password=[redacted]'],
      ['d', 1, 'no'],
      ['e', 1, ''],
    ]);
  });
});

describe('batches', () => {
  const loading = { batch: (keys: readonly number[]) => [...keys], name: 'Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc' };

  it.each(['startSpan', 'end', 'with'] as const)(
    'change nothing when the tracer throws in %s, which is told',
    async (method) => {
      const { ports } = testTracer({ throwsIn: method });
      const trace = tracing(ports);
      const told: unknown[] = [];
      trace.events.on('hook-failed', ({ error }) => told.push((error as Error).message));
      const numbers = batcher<number, number>(loading);
      trace.watch(numbers);
      expect(await numbers.loadMany([1, 2])).toEqual([1, 2]);
      await numbers.flush();
      expect(told).toEqual([`${method} is broken`]);
    },
  );

  it('are linked to as many spans as OpenTelemetry keeps, however many load, and are called by a clean name', async () => {
    const { ports, spans } = testTracer();
    const trace = tracing(ports);
    const numbers = batcher<number, number>({ ...loading, maxItems: 500 });
    trace.watch(numbers);
    for (let n = 0; n < 300; n++) void trace.span('load', () => numbers.load(n));
    await numbers.flush();
    const batch = spans.at(-1)!;
    expect([batch.name, batch.links.length]).toEqual(['Bearer [redacted] batch', 128]);
  });

  it('that nobody waits for any more make no span', async () => {
    const { ports, spans } = testTracer();
    const numbers = batcher<number, number>(loading);
    tracing(ports).watch(numbers);
    const controller = new AbortController();
    const left = numbers.load(1, { signal: controller.signal }).catch(() => 'left');
    controller.abort();
    await numbers.flush();
    expect([await left, spans]).toEqual(['left', []]);
  });
});

describe('what a source tells', () => {
  it('becomes a span that began as long ago as it took', () => {
    const { ports, spans } = testTracer();
    const source = Object.assign(new EventChannel(), { name: 'api' });
    const stop = tracing(ports).watch(source, { name: 'm', events: source });
    const event = { pipeline: undefined, policy: undefined, key: 'token', timestamp: 10_000 as never, waitedMs: 400 };
    source.emit({ type: 'limit-admitted', ...event });
    stop();
    source.emit({ type: 'limit-admitted', ...event });
    expect(spans.map(({ name, startTime, endTime }) => [name, startTime, endTime])).toEqual([
      ['api wait', 9_600, 10_000],
      ['m wait', 9_600, 10_000],
    ]);
  });

  it('becomes no span where it took no time, or where nobody knows how long', () => {
    const { ports, spans } = testTracer();
    const source = Object.assign(new EventChannel(), { name: 'db' });
    tracing(ports).watch(source);
    const event = { pipeline: undefined, policy: undefined, key: undefined, timestamp: 10_000 as never };
    for (const waitedMs of [0, 30]) source.emit({ type: 'resource-acquired', ...event, waitedMs } as never);
    for (const durationMs of [Number.NaN, 70]) source.emit({ type: 'resource-created', ...event, durationMs });
    expect(spans.map(({ name, startTime, endTime }) => [name, startTime, endTime])).toEqual([
      ['db acquire', 9_970, 10_000],
      ['db create', 9_930, 10_000],
    ]);
  });

  it('must be told by somebody', () => {
    expect(() => tracing(testTracer().ports).watch({} as never)).toThrow(ConfigurationError);
  });
});

describe('headers', () => {
  it('pass on a trace from whatever shape of headers, and none where the API can not read its state', () => {
    const { ports } = testTracer();
    const trace = tracing(ports);
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';
    for (const headers of [{ traceparent }, new Headers({ traceparent, tracestate: 'a=1' })])
      expect(trace.continueFrom(headers, () => trace.headers())).toEqual({ traceparent });
    expect(trace.continueFrom({}, () => trace.headers())).toEqual({});
    expect(() => trace.continueFrom({ traceparent }, undefined as never)).toThrow(ConfigurationError);
  });

  it('name no span that is none: one of an API without an SDK', () => {
    const { ports } = testTracer({ traceId: '0'.repeat(32) });
    const trace = tracing(ports);
    expect(trace.span('a', () => trace.headers())).toEqual({});
  });
});

it('refuses options that can not be meant, all at once', () => {
  const faults = (options: object): readonly string[] => {
    try {
      tracing(options as never);
    } catch (error) {
      return (error as ConfigurationError).faults.map(({ path }) => path);
    }
    return [];
  };
  expect(faults({ tracer: {}, api: { context: {} }, keyz: 1 })).toEqual([
    'tracing.tracer',
    'tracing.api',
    'tracing.keyz',
  ]);
  expect(faults({ api: null })).toEqual(['tracing.api', 'tracing.tracer']);
});
