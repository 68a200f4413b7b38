import { bulkhead, circuitBreaker, hedge, pipeline, retry, timeout } from 'breakwater';
import { parseTraceparent } from 'breakwater/headers';
import { collectMetrics, metricCatalog, metricLabels, tracing } from 'breakwater/telemetry';
import { VirtualClock } from 'breakwater/testing';
import { batcher } from 'breakwater/work';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExportedMetric, ExportedSpan, Sdk } from './sdk.ts';
import { wholeWorld } from './whole-world.ts';

const SECRET = 'Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc';
/** A secret that looks like none: no redactor would know it. */
const PLAIN = 'correct horse battery staple';
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** What must hold with every SDK. */
export function openTelemetrySuite(name: string, makeSdk: () => Sdk): void {
  describe(name, () => {
    let sdk: Sdk;
    beforeEach(() => {
      sdk = makeSdk();
    });
    afterEach(() => sdk.close());
    describe('metrics', () => metricsSuite(() => sdk));
    describe('traces', () => tracesSuite(() => sdk));
  });
}

function metricsSuite(sdk: () => Sdk): void {
  const named = (metrics: readonly ExportedMetric[], name: string): ExportedMetric['points'] =>
    metrics.find((metric) => metric.name === name)?.points ?? [];

  it('are those of the catalog, all of them, under the names, units and labels that it says', async () => {
    const world = wholeWorld();
    const collector = collectMetrics({ meter: sdk().meter, keys: true, maxKeys: 1 });
    collector.watch(...world.sources);
    await world.run();
    const metrics = await sdk().metrics();
    const expected = Object.values(metricCatalog).filter(({ openTelemetry }) => openTelemetry !== undefined);
    expect(new Set(metrics.map((metric) => metric.name))).toEqual(
      new Set(expected.map(({ openTelemetry }) => openTelemetry)),
    );
    for (const { openTelemetry, unit, labels } of expected) {
      const metric = metrics.find((candidate) => candidate.name === openTelemetry)!;
      const names = labels.map((label) => metricLabels[label].openTelemetry);
      expect(metric.unit).toBe(unit);
      for (const { attributes } of metric.points)
        for (const attribute of Object.keys(attributes)) expect(names).toContain(attribute);
    }
  });

  it('count what happened: calls, attempts, retries, refusals, openings, hits', async () => {
    const world = wholeWorld();
    collectMetrics({ meter: sdk().meter }).watch(...world.sources);
    await world.run();
    const metrics = await sdk().metrics();
    const counted = (metric: string, of: Record<string, unknown>): unknown =>
      named(metrics, metric)
        .filter(({ attributes }) => Object.entries(of).every(([key, value]) => attributes[key] === value))
        .map(({ value }) => (typeof value === 'object' ? (value as { count: number }).count : (value as number)))
        .reduce((sum, value) => sum + value, 0);
    const inventory = { 'pipeline.name': 'inventory' };
    expect(counted('resilience.polly.pipeline.duration', inventory)).toBe(7);
    expect(counted('resilience.polly.strategy.events', { ...inventory, 'event.name': 'OnCircuitOpened' })).toBe(1);
    expect(counted('breakwater.circuit_breaker.transitions', { 'strategy.name': 'stock', state: 'open' })).toBe(1);
    expect(counted('breakwater.fallback.calls', { ...inventory, kind: 'successful' })).toBe(1);
    expect(counted('breakwater.rate_limiter.requests', { 'limiter.name': 'api', kind: 'refused' })).toBe(1);
    expect(counted('breakwater.cache.gets', { 'cache.name': 'users', 'cache.result': 'hit' })).toBe(1);
    expect(counted('db.client.connection.timeouts', { 'db.client.connection.pool.name': 'db' })).toBe(1);
    expect(counted('breakwater.hedge.calls', { kind: 'hedge' })).toBe(1);
    expect(counted('breakwater.worker_pool.tasks', { kind: 'failed' })).toBe(1);
    expect(counted('db.client.connection.wait_time', { 'db.client.connection.pool.name': 'db' })).toBe(1);
    expect(counted('db.client.connection.use_time', { 'db.client.connection.pool.name': 'db' })).toBe(1);
    expect(counted('breakwater.shedding.calls', { kind: 'refused', 'call.priority': 'batch' })).toBe(1);
    expect(counted('breakwater.shedding.calls', { kind: 'admitted' })).toBe(1);
    expect(counted('breakwater.worker_pool.duration', { 'error.type': 'Error' })).toBe(1);
    expect(counted('breakwater.batcher.keys', { kind: 'sent' })).toBe(1);
    expect(counted('breakwater.batcher.batch.size', { 'batcher.name': 'devices', 'batch.reason': 'delay' })).toBe(1);
    expect(counted('breakwater.operation.count', { 'operation.name': 'render', kind: 'failed' })).toBe(1);
  });

  it('hold no secret that a call carries in its key, its errors or its values', async () => {
    const world = wholeWorld();
    collectMetrics({ meter: sdk().meter, keys: true }).watch(...world.sources);
    await world.run(SECRET);
    const metrics = await sdk().metrics();
    expect(metrics.length).toBeGreaterThan(30);
    expect(JSON.stringify(metrics)).not.toContain('4eC39HqLyjWDarjtT1zdp7dc');
  });

  it('hold nothing at all of what a call carries, unless they are asked to', async () => {
    const world = wholeWorld();
    collectMetrics({ meter: sdk().meter }).watch(...world.sources);
    await world.run(PLAIN);
    expect(JSON.stringify(await sdk().metrics())).not.toContain(PLAIN);
  });

  it('of the user go through the same door, bounded and redacted', async () => {
    const collector = collectMetrics({ meter: sdk().meter, maxSeries: 3 });
    const orders = collector.counter('orders', { unit: '{order}' });
    for (const shop of ['a', 'b', 'c', 'd']) orders.add(1, { shop, token: SECRET });
    collector.histogram('basket', { unit: '{item}' }).record(3, { shop: 'a' });
    const metrics = await sdk().metrics();
    expect(named(metrics, 'orders').map(({ attributes, value }) => [attributes, value])).toEqual([
      [{ shop: 'a', token: '[redacted]' }, 1],
      [{ shop: 'b', token: '[redacted]' }, 1],
      [{ 'otel.metric.overflow': true }, 2],
    ]);
    expect(named(metrics, 'basket')[0]).toMatchObject({ value: { count: 1, sum: 3 } });
    expect([...collector.folded]).toEqual([['orders', 2]]);
  });

  it('are not told any more once watching has ended', async () => {
    const calls = pipeline({ name: 'inventory' }, retry());
    const collector = collectMetrics({ meter: sdk().meter });
    const stop = collector.watch(calls);
    await calls.execute(() => 'item');
    stop();
    await calls.execute(() => 'item');
    expect(named(await sdk().metrics(), 'resilience.polly.pipeline.duration')[0]).toMatchObject({
      value: { count: 1 },
    });
    collector.close();
    expect(named(await sdk().metrics(), 'breakwater.retry.calls')).toEqual([]);
  });
}

function tracesSuite(sdk: () => Sdk): void {
  const ports = (): Pick<Sdk, 'tracer' | 'api'> => ({ tracer: sdk().tracer, api: sdk().api });
  const one = (spans: readonly ExportedSpan[], name: string): ExportedSpan =>
    spans.find((span) => span.name === name) as ExportedSpan;
  const several = (spans: readonly ExportedSpan[], name: string): readonly ExportedSpan[] =>
    spans.filter((span) => span.name === name);

  it('have a span for the call and one in it for each attempt, a retry linked to the attempt before it', async () => {
    const clock = new VirtualClock();
    const trace = tracing(ports());
    const calls = pipeline({ name: 'inventory', clock }, trace, retry({ maxAttempts: 3 }));
    const done = calls.execute(({ attempt }) => {
      if (attempt < 3) throw new RangeError('not yet');
      return 'item';
    });
    await clock.advance(10_000);
    await done;
    const spans = await sdk().spans();
    const call = one(spans, 'inventory');
    const attempts = several(spans, 'inventory attempt');
    expect(attempts.map(({ parentSpanId, traceId }) => [parentSpanId, traceId])).toEqual(
      Array.from({ length: 3 }, () => [call.spanId, call.traceId]),
    );
    expect(attempts.map(({ attributes }) => attributes['attempt.number'])).toEqual([1, 2, 3]);
    expect(attempts.map(({ status }) => status.code)).toEqual([2, 2, 0]);
    expect(attempts.map(({ attributes }) => attributes['error.type'])).toEqual(['RangeError', 'RangeError', undefined]);
    expect(attempts.map(({ links }) => links)).toEqual([
      [],
      [{ spanId: attempts[0]!.spanId, cause: 'retry' }],
      [{ spanId: attempts[1]!.spanId, cause: 'retry' }],
    ]);
    expect(call).toMatchObject({
      status: { code: 0 },
      attributes: { 'pipeline.name': 'inventory', 'attempt.count': 3 },
    });
    expect(call.events.map((event) => [event.name, event.attributes?.['strategy.name']])).toEqual([
      ['retry', 'retry'],
      ['retry', 'retry'],
    ]);
    expect(call.events[0]!.attributes?.['delay_ms']).toBeTypeOf('number');
  });

  it('show a hedge as an attempt beside the first, linked to it, and the loser as given up', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ name: 'quick', clock }, tracing(ports()), hedge({ delayMs: 50 }));
    const done = calls.execute(({ attempt }) => (attempt === 1 ? new Promise(() => undefined) : 'item'));
    await clock.advance(50);
    await done;
    const spans = await sdk().spans();
    const [winner, loser] = several(spans, 'quick attempt').toSorted((a) =>
      a.attributes['attempt.number'] === 2 ? -1 : 1,
    );
    expect(winner).toMatchObject({ links: [{ spanId: loser!.spanId, cause: 'hedge' }], status: { code: 0 } });
    expect(loser).toMatchObject({ links: [], status: { code: 2 } });
    expect(one(spans, 'quick').events.map((event) => event.name)).toEqual(['hedge', 'hedge-won']);
  });

  it('end the span of an attempt when its time is up, though its function never ends', async () => {
    const clock = new VirtualClock();
    const calls = pipeline(
      { name: 'inventory', clock },
      tracing(ports()),
      retry({ maxAttempts: 2 }),
      timeout({ timeoutMs: 100 }),
    );
    const done = calls.tryExecute(() => new Promise(() => undefined));
    await clock.advance(60_000);
    expect(await done).toMatchObject({ ok: false });
    const spans = await sdk().spans();
    expect(several(spans, 'inventory attempt').map(({ attributes }) => attributes['error.type'])).toEqual([
      'TIMEOUT',
      'TIMEOUT',
    ]);
    expect(one(spans, 'inventory')).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': 'TIMEOUT' } });
  });

  it('show a call that a policy refuses, without an attempt', async () => {
    const breaker = circuitBreaker();
    breaker.isolate();
    const calls = pipeline({ name: 'inventory' }, tracing(ports()), breaker, bulkhead());
    await calls.tryExecute(() => 'item');
    const spans = await sdk().spans();
    expect(spans).toHaveLength(1);
    expect(spans[0]).toMatchObject({
      status: { code: 2 },
      attributes: { 'error.type': 'CIRCUIT_ISOLATED', 'attempt.count': 0 },
      events: [{ name: 'circuit-rejected', attributes: { 'strategy.name': 'circuit-breaker' } }],
    });
  });

  it('run the function within its span, so that calls in it and spans of the user’s own are part of it', async () => {
    const trace = tracing(ports());
    const inner = pipeline({ name: 'inner' }, trace);
    const outer = pipeline({ name: 'outer' }, trace);
    await outer.execute(async () => {
      await Promise.resolve();
      await trace.span('render', () => inner.execute(() => 'item'), { rows: 3 });
    });
    const spans = await sdk().spans();
    const parents = ['inner attempt', 'inner', 'render', 'outer attempt', 'outer'].map((name) => one(spans, name));
    for (let index = 0; index < 4; index++) expect(parents[index]!.parentSpanId).toBe(parents[index + 1]!.spanId);
    expect(parents[2]!.attributes).toEqual({ rows: 3 });
  });

  it('join a call to the run that it names as its parent, where the surroundings were lost on the way', async () => {
    const trace = tracing(ports());
    const inner = pipeline({ name: 'inner' }, trace);
    const outer = pipeline({ name: 'outer' }, trace);
    const outside = sdk().api.context.active();
    await outer.execute((parent) => sdk().api.context.with(outside as never, () => inner.execute(() => 1, { parent })));
    const spans = await sdk().spans();
    expect(one(spans, 'inner').parentSpanId).toBe(one(spans, 'outer attempt').spanId);
  });

  it('come in by traceparent and tracestate, and go out by them with the span of the run', async () => {
    const trace = tracing(ports());
    const calls = pipeline({ name: 'inventory' }, trace);
    const sent = await trace.continueFrom({ traceparent: TRACEPARENT, tracestate: 'vendor=1' }, () =>
      calls.execute((context) => trace.headers(context)),
    );
    const spans = await sdk().spans();
    expect(one(spans, 'inventory')).toMatchObject({
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      parentSpanId: '00f067aa0ba902b7',
    });
    const attempt = one(spans, 'inventory attempt');
    expect(parseTraceparent(sent.traceparent)).toEqual({
      traceId: attempt.traceId,
      parentId: attempt.spanId,
      sampled: true,
    });
    expect(sent.tracestate).toBe('vendor=1');
  });

  it('begin anew where a request came with no valid traceparent, and name none where there is no span', () => {
    const trace = tracing(ports());
    expect(trace.continueFrom(new Headers({ traceparent: 'nonsense' }), () => trace.headers())).toEqual({});
  });

  it('show what caches, pools, workers, limiters and batchers tell, for as long as it took', async () => {
    const world = wholeWorld();
    const trace = tracing(ports());
    const [, , , , cache, pool, workers, devices] = world.sources;
    const stop = trace.watch(cache as never, pool as never, workers as never, devices as never);
    await world.run();
    stop();
    const names = (await sdk().spans()).map((span) => span.name);
    for (const name of ['users load', 'db create', 'db acquire', 'thumbnails task', 'devices batch'])
      expect(names).toContain(name);
    const waited = one(await sdk().spans(), 'db acquire');
    expect(waited).toMatchObject({
      durationMs: 100,
      attributes: { 'error.type': 'POOL_TIMEOUT' },
      status: { code: 2 },
    });
  });

  it('show each batch as a span linked to those whose loads it carries, around what its function does', async () => {
    const trace = tracing(ports());
    const calls = pipeline({ name: 'request' }, trace);
    const devices = batcher<number, number>({
      name: 'devices',
      batch: (ids) => trace.span('query', () => ids.map((id) => (id < 0 ? new RangeError('no such device') : id))),
    });
    const stop = trace.watch(devices);
    const load = (id: number): Promise<unknown> => calls.tryExecute(() => devices.load(id));
    await Promise.all([load(1), load(-2), load(1)]);
    await devices.flush();
    stop();
    await load(4);
    const spans = await sdk().spans();
    const attempts = several(spans, 'request attempt');
    const batch = one(spans, 'devices batch');
    expect(several(spans, 'devices batch')).toEqual([batch]);
    expect(new Set(batch.links)).toEqual(
      new Set(attempts.slice(0, 3).map(({ spanId }) => ({ spanId, cause: 'load' }))),
    );
    expect(batch).toMatchObject({
      parentSpanId: undefined,
      status: { code: 0 },
      attributes: { 'source.name': 'devices', 'batch.size': 2, 'batch.reason': 'delay', 'batch.failed_keys': 1 },
    });
    expect(attempts.map(({ traceId }) => traceId)).not.toContain(batch.traceId);
    expect(one(spans, 'query')).toMatchObject({ parentSpanId: batch.spanId, traceId: batch.traceId });
  });

  it('show a batch whose loads are all of one trace as part of it, and one that failed with its error', async () => {
    const trace = tracing(ports());
    const calls = pipeline({ name: 'request' }, trace);
    const down = (): never => {
      throw new RangeError('down');
    };
    const devices = batcher<number, number>({ name: 'devices', batch: down, delayMs: 60_000 });
    trace.watch(devices);
    const outcome = await calls.tryExecute(async () => {
      const loads = devices.loadMany([1, 2]);
      await devices.flush();
      return loads;
    });
    const spans = await sdk().spans();
    const attempt = one(spans, 'request attempt');
    expect(outcome).toMatchObject({ ok: true });
    expect(one(spans, 'devices batch')).toMatchObject({
      traceId: attempt.traceId,
      parentSpanId: attempt.spanId,
      links: [{ spanId: attempt.spanId, cause: 'load' }],
      status: { code: 2 },
      attributes: { 'batch.reason': 'explicit', 'batch.failed_keys': 2, 'error.type': 'RangeError' },
    });
  });

  it('hold nothing at all of what a call carries, unless they are asked to', async () => {
    const trace = tracing(ports());
    const world = wholeWorld(trace);
    trace.watch(...(world.sources.slice(4, 8) as never[]));
    await world.run(PLAIN);
    const spans = await sdk().spans();
    expect(spans.length).toBeGreaterThan(20);
    expect(JSON.stringify(spans)).not.toContain(PLAIN);
  });

  it('hold no secret that a call carries, whether or not they tell the messages of errors', async () => {
    for (const errorMessages of [false, true]) {
      const trace = tracing({ ...ports(), keys: true, errorMessages });
      const world = wholeWorld(trace);
      trace.watch(...(world.sources.slice(4, 8) as never[]));
      await world.run(SECRET);
      trace.span(SECRET, () => 1, { authorization: SECRET, note: SECRET });
    }
    const spans = await sdk().spans();
    expect(spans.length).toBeGreaterThan(40);
    expect(spans.some(({ status }) => status.message !== undefined)).toBe(true);
    expect(JSON.stringify(spans)).not.toContain('4eC39HqLyjWDarjtT1zdp7dc');
  });
}
