import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { ConfigurationError } from '../../errors/configuration-error.ts';
import { EventChannel } from '../../events/channel.ts';
import { prometheusRegistry, type PrometheusRegistry } from '../prometheus/registry.ts';
import { collectMetrics } from './collect-metrics.ts';
import { resilience4jNames } from './naming.ts';
import type { MeasuredPipeline } from './measured-pipeline.ts';

/** A pipeline as telemetry sees it. */
class Told extends EventChannel implements MeasuredPipeline {
  readonly kind = 'pipeline';
  readonly name: string;
  policies: MeasuredPipeline['policies'];

  constructor(name: string, policies: MeasuredPipeline['policies'] = []) {
    super();
    this.name = name;
    this.policies = policies;
  }

  tell(type: string, details: object = {}): void {
    const envelope = { policy: undefined, key: undefined, timestamp: 0 as never };
    this.emit({ type, pipeline: this.name, ...envelope, ...details });
  }
}

let registry: PrometheusRegistry;
beforeEach(() => {
  registry = prometheusRegistry();
});
const collector = (options: object = {}) => collectMetrics({ meter: registry, naming: resilience4jNames, ...options });
const line = (start: string): readonly string[] =>
  registry
    .text()
    .split('\n')
    .filter((text) => text.startsWith(start));

const ended = { outcome: 'success', durationMs: 5, attempt: 1 };
const failed = { ...ended, outcome: 'failure', error: new RangeError('secret') };

describe('watching a pipeline', () => {
  it('times calls and attempts by how they ended', () => {
    const pipeline = new Told('stock');
    collector().watch(pipeline);
    for (const details of [ended, ended, failed]) pipeline.tell('call-ended', details);
    for (const attempt of [1, 1, 2, 11, 12]) pipeline.tell('attempt-ended', { ...ended, attempt });
    expect(line('breakwater_pipeline_calls_seconds_count')).toEqual([
      'breakwater_pipeline_calls_seconds_count{kind="successful",pipeline="stock"} 2',
      'breakwater_pipeline_calls_seconds_count{error="RangeError",kind="failed",pipeline="stock"} 1',
    ]);
    expect(line('breakwater_attempts_seconds_count')).toEqual([
      'breakwater_attempts_seconds_count{attempt="1",kind="successful",pipeline="stock"} 2',
      'breakwater_attempts_seconds_count{attempt="2",kind="successful",pipeline="stock"} 1',
      'breakwater_attempts_seconds_count{attempt="10",kind="successful",pipeline="stock"} 2',
    ]);
  });

  it('counts it once, however often it is watched, until all have ended', () => {
    const pipeline = new Told('stock');
    const metrics = collector();
    const stops = [metrics.watch(pipeline), metrics.watch(pipeline)];
    pipeline.tell('retry');
    stops[0]!();
    stops[0]!();
    pipeline.tell('retry');
    stops[1]!();
    pipeline.tell('retry');
    expect(line('breakwater_events_total')).toEqual([
      'breakwater_events_total{event="OnRetry",pipeline="stock",severity="Warning"} 2',
    ]);
  });

  it('counts once what two pipelines tell of a policy that they share', () => {
    const breaker = { kind: 'circuit-breaker', name: 'b', state: 'open', failureRatio: 0.5, slowCallRatio: 0 };
    const [one, other] = [new Told('one', [breaker]), new Told('other', [breaker])];
    collector().watch(one, other);
    const event = { type: 'circuit-opened', pipeline: 'one', policy: 'b', key: undefined, timestamp: 0, to: 'open' };
    for (const pipeline of [one, other]) pipeline.emit(event as never);
    expect(line('breakwater_circuitbreaker_transitions_total')).toEqual([
      'breakwater_circuitbreaker_transitions_total{name="b",pipeline="one",state="open"} 1',
    ]);
    expect(line('resilience4j_circuitbreaker_state')).toEqual([
      'resilience4j_circuitbreaker_state{name="b",pipeline="one",state="closed"} 0',
      'resilience4j_circuitbreaker_state{name="b",pipeline="one",state="open"} 1',
      'resilience4j_circuitbreaker_state{name="b",pipeline="one",state="half_open"} 0',
      'resilience4j_circuitbreaker_state{name="b",pipeline="one",state="forced_open"} 0',
    ]);
    expect(line('resilience4j_circuitbreaker_failure_rate')[0]).toMatch(/ 50$/);
  });

  it('times runs under each breaker, under those of now when policies were replaced', () => {
    const breakerOf = (name: string) => ({ kind: 'circuit-breaker', name });
    const pipeline = new Told('stock', [breakerOf('a')]);
    collector().watch(pipeline);
    pipeline.tell('attempt-ended', ended);
    pipeline.policies = [breakerOf('b')];
    pipeline.tell('attempt-ended', ended);
    pipeline.tell('attempt-ended', failed);
    expect(line('resilience4j_circuitbreaker_calls_seconds_count')).toEqual([
      'resilience4j_circuitbreaker_calls_seconds_count{kind="successful",name="a",pipeline="stock"} 1',
      'resilience4j_circuitbreaker_calls_seconds_count{kind="successful",name="b",pipeline="stock"} 1',
      'resilience4j_circuitbreaker_calls_seconds_count{kind="failed",name="b",pipeline="stock"} 1',
    ]);
  });

  it('reads pipelines within pipelines, and nothing of a policy that only has the name of a kind', () => {
    const retry = {
      kind: 'retry',
      name: 'r',
      statistics: { retries: 3, succeededFirst: 5, succeededAfterRetry: 2, failed: 4, attemptsHistogram: [6, 5] },
    };
    const inner = new Told('inner', [retry, { kind: 'retry' }, { kind: 'keyed' }, { kind: 'mine' }]);
    collector().watch(new Told('outer', [inner]));
    expect(
      line('resilience4j_retry_calls_total').map((text) => text.replace(/.*kind="(\w+)".* (\d+)$/, '$1 $2')),
    ).toEqual([
      'successful_without_retry 5',
      'successful_with_retry 2',
      'failed_without_retry 1',
      'failed_with_retry 3',
    ]);
    expect(line('breakwater_retry_retries_total')[0]).toContain('pipeline="inner"} 3');
  });

  it('adds up what the policies of all keys have, without counters that would fall when a key is forgotten', () => {
    const breaker = (state: string) => ({
      kind: 'circuit-breaker',
      name: state,
      state,
      failureRatio: 0.1,
      slowCallRatio: 0,
    });
    const hedge = { kind: 'hedge', statistics: { hedges: 9 } };
    const keys = [
      ['a', breaker('open')],
      ['b', breaker('open')],
      ['c', breaker('closed')],
      ['d', hedge],
    ];
    const keyed = { kind: 'keyed', name: 'hosts', size: 4, [Symbol.iterator]: () => keys[Symbol.iterator]() };
    collector().watch(new Told('out', [keyed]));
    expect(line('resilience4j_circuitbreaker_state{').slice(0, 2)).toEqual([
      'resilience4j_circuitbreaker_state{name="hosts",pipeline="out",state="closed"} 1',
      'resilience4j_circuitbreaker_state{name="hosts",pipeline="out",state="open"} 2',
    ]);
    expect(line('breakwater_keyed_keys')[1] ?? line('breakwater_keyed_keys')[0]).toContain(' 4');
    expect(line('breakwater_hedge')).toEqual([]);
  });
});

describe('keys', () => {
  it('tell series apart only where that was asked for', () => {
    const pipeline = new Told('stock');
    collector().watch(pipeline);
    pipeline.tell('call-ended', { ...ended, key: 'sku:1' });
    expect(registry.text()).not.toContain('sku:1');
  });

  it('are bounded and redacted', () => {
    const pipeline = new Told('stock');
    const metrics = collector({ keys: true, maxKeys: 2 });
    metrics.watch(pipeline);
    for (const key of ['a', 'token=hunter2', 'c', 'a', undefined]) pipeline.tell('call-ended', { ...ended, key });
    const keys = line('breakwater_pipeline_calls_seconds_count').map((text) => /key="([^"]*)"/.exec(text)?.[1]);
    expect(keys).toEqual(['a', 'token=[redacted]', '(other)', undefined]);
    expect(metrics.folded.get('operation.key')).toBe(1);
  });
});

describe('metrics of your own', () => {
  it('are the same whatever the order of their attributes, and keep no value behind a secret name', () => {
    const orders = collector().counter('orders');
    orders.add(1);
    orders.add(1, { shop: 'a', password: 'hunter2', vip: true });
    orders.add(2, { vip: true, password: 'hunter2', shop: 'a' });
    collector().histogram('basket').record(4);
    expect(line('orders_total')).toEqual([
      'orders_total 1',
      'orders_total{password="[redacted]",shop="a",vip="true"} 3',
    ]);
    expect(line('basket_count')).toEqual(['basket_count 1']);
  });
});

describe('watching pools and batchers', () => {
  const told = { pipeline: undefined, key: undefined, timestamp: 0 as never };

  it('times waits and loans from the events of a connection pool, and counts neither as an event', () => {
    const pool = Object.assign(new EventChannel(), {
      name: 'db',
      statistics: {
        idle: 1,
        inUse: 2,
        waiting: 0,
        acquired: 3,
        created: 3,
        timedOut: 0,
        createFailed: 0,
        destroyed: {},
      },
    });
    collector().watch(pool);
    pool.emit({ type: 'resource-acquired', ...told, policy: 'db', waitedMs: 0.3 } as never);
    pool.emit({ type: 'resource-released', ...told, policy: 'db', durationMs: 40 });
    pool.emit({ type: 'resource-destroyed', ...told, policy: 'db' });
    expect(line('breakwater_connection_pool_wait_seconds_bucket').slice(0, 2)).toEqual([
      'breakwater_connection_pool_wait_seconds_bucket{pool="db",le="0.0001"} 0',
      'breakwater_connection_pool_wait_seconds_bucket{pool="db",le="0.0005"} 1',
    ]);
    expect(line('breakwater_connection_pool_use_seconds_sum')).toEqual([
      'breakwater_connection_pool_use_seconds_sum{pool="db"} 0.04',
    ]);
    expect(line('breakwater_events_total')).toEqual([
      'breakwater_events_total{event="OnResourceDestroyed",name="db",severity="Debug"} 1',
    ]);
  });

  it('records no time of a resource that somebody else made, who does not say how long that took', () => {
    const pool = Object.assign(new EventChannel(), { name: 'db', statistics: { createFailed: 0, destroyed: {} } });
    collector().watch(pool as never);
    pool.emit({ type: 'resource-created', ...told, policy: 'db', durationMs: Number.NaN });
    expect(line('breakwater_connection_pool_create_seconds')).toEqual([]);
    pool.emit({ type: 'resource-created', ...told, policy: 'db', durationMs: 20 });
    expect(line('breakwater_connection_pool_create_seconds_count')).toEqual([
      'breakwater_connection_pool_create_seconds_count{pool="db"} 1',
    ]);
  });

  it('times waits and runs of the tasks of a worker pool, by how they ended', () => {
    const pool = Object.assign(new EventChannel(), { name: 'mail', statistics: { workers: 4 } });
    collector().watch(pool as never);
    pool.emit({ type: 'task-started', ...told, policy: 'mail', waitedMs: 12 } as never);
    pool.emit({ type: 'task-ended', ...told, policy: 'mail', durationMs: 40, outcome: 'success' });
    pool.emit({ type: 'task-ended', ...told, policy: 'mail', ...failed } as never);
    expect(line('breakwater_worker_pool_wait_seconds_sum')).toEqual([
      'breakwater_worker_pool_wait_seconds_sum{name="mail"} 0.012',
    ]);
    expect(line('breakwater_worker_pool_task_seconds_count')).toEqual([
      'breakwater_worker_pool_task_seconds_count{kind="successful",name="mail"} 1',
      'breakwater_worker_pool_task_seconds_count{error="RangeError",kind="failed",name="mail"} 1',
    ]);
  });

  it('measures sizes, waits and durations of batches, by why they went and how they ended', () => {
    const statistics = { batches: 2, keys: 33, shared: 0, failed: 1 };
    const batches = Object.assign(new EventChannel(), { name: 'users', statistics });
    collector().watch(batches);
    const batch = { ...told, policy: 'users', weight: 30 };
    batches.emit({ type: 'batch-flushed', ...batch, size: 30, reason: 'count', waitedMs: 2 } as never);
    batches.emit({ type: 'batch-flushed', ...batch, size: 3, reason: 'delay', waitedMs: 20 } as never);
    batches.emit({ type: 'batch-ended', ...batch, ...failed } as never);
    expect(line('breakwater_batcher_batch_keys_sum')).toEqual([
      'breakwater_batcher_batch_keys_sum{name="users",reason="count"} 30',
      'breakwater_batcher_batch_keys_sum{name="users",reason="delay"} 3',
    ]);
    expect(line('breakwater_batcher_batch_keys_bucket').slice(4, 6)).toEqual([
      'breakwater_batcher_batch_keys_bucket{name="users",reason="count",le="20"} 0',
      'breakwater_batcher_batch_keys_bucket{name="users",reason="count",le="50"} 1',
    ]);
    expect(line('breakwater_batcher_wait_seconds_sum')[1]).toMatch(/reason="delay"\} 0.02$/);
    expect(line('breakwater_batcher_batch_seconds_count')).toEqual([
      'breakwater_batcher_batch_seconds_count{error="RangeError",kind="failed",name="users"} 1',
    ]);
  });
});

describe('what can not be watched', () => {
  it.each([undefined, null, 7, {}, { statistics: null }, { statistics: { unknown: 1 } }])(
    'is refused: %o',
    (source) => {
      expect(() => collector().watch(source as never)).toThrow(ConfigurationError);
    },
  );

  it('keeps nothing else from being watched by halves', () => {
    const pipeline = new Told('stock');
    const metrics = collector();
    expect(() => metrics.watch(pipeline, {} as never)).toThrow(ConfigurationError);
    pipeline.tell('retry');
    expect(line('breakwater_events_total')).toEqual([]);
  });

  it('is named with every other fault of the options', () => {
    const faults = (options: object): readonly string[] => {
      try {
        collectMetrics(options as never);
      } catch (error) {
        return (error as ConfigurationError).faults.map(({ path }) => path);
      }
      return [];
    };
    expect(faults({ maxSeries: 0, keyz: true })).toEqual([
      'collectMetrics.maxSeries',
      'collectMetrics.keyz',
      'collectMetrics.meter',
    ]);
    expect(faults({ meter: {} })).toEqual(['collectMetrics.meter']);
  });
});

describe('a policy by itself', () => {
  it('is read under its own name, and heard while it is watched', () => {
    const events = new EventChannel();
    const statistics = { running: 1, queued: 2, admitted: 5, refused: 1, refusedAfterWait: 1, withdrawn: 0 };
    const gate = { kind: 'bulkhead', name: 'rooms', events, options: { maxConcurrent: 4 }, statistics };
    const metrics = collector();
    metrics.watch(gate);
    events.emit({
      type: 'bulkhead-rejected',
      pipeline: undefined,
      policy: 'rooms',
      key: undefined,
      outcome: 'refused',
      timestamp: new VirtualClock().wallTime(),
    });
    expect(line('resilience4j_bulkhead')).toEqual([
      'resilience4j_bulkhead_max_allowed_concurrent_calls{name="rooms"} 4',
      'resilience4j_bulkhead_available_concurrent_calls{name="rooms"} 3',
      'resilience4j_bulkhead_queue_depth{name="rooms"} 2',
    ]);
    expect(line('breakwater_bulkhead_calls_total')[1]).toContain('kind="refused",name="rooms"} 2');
    expect(line('breakwater_events_total')).toEqual([
      'breakwater_events_total{event="OnBulkheadRejected",name="rooms",severity="Warning"} 1',
    ]);
    metrics.close();
    expect(line('resilience4j_bulkhead')).toEqual([]);
  });
});
