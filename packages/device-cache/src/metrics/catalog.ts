/**
 * What the service measures of itself: the rows of the first table in docs/device-cache/metrics.md. What `breakwater/telemetry`
 * says of its caches, its rate limiter and its pipeline stands beside them.
 */

/** One metric. */
export interface ServiceMetric {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly description: string;
}

/** What stands before the names. */
export const METRIC_PREFIX = 'breakwater_device_cache_';

type Table<Name extends string> = Readonly<Record<Name, ServiceMetric>>;

/** What is counted or looked at, by its name without the prefix. */
export type CountedName =
  | 'readings_total'
  | 'dead_letters_total'
  | 'source_up'
  | 'consumer_lag_messages'
  | 'store_up'
  | 'store_reads_total'
  | 'devices'
  | 'stream_readers'
  | 'http_requests_total'
  | 'http_request_seconds_total';

export const countedMetrics: Table<CountedName> = Object.freeze({
  readings_total: counter(
    ['source', 'outcome'],
    'Readings taken in, by source and by what became of them: `stored`, `outdated` or `rejected`.',
  ),
  dead_letters_total: counter([], 'Bad messages that were buried.'),
  source_up: gauge(['source'], '1 while a source delivers.'),
  consumer_lag_messages: gauge(
    ['source', 'partition'],
    'Messages of an assigned partition that are not written yet; no series while that is not known. Looked at every 5 s.',
  ),
  store_up: gauge([], '1 while the store answers.'),
  store_reads_total: counter(['outcome'], 'Devices asked of the store: `found` or `missing`.'),
  devices: gauge([], 'Devices in the store. Looked at every 5 s.'),
  stream_readers: gauge([], 'Open streams of changes.'),
  http_requests_total: counter(['method', 'route', 'status'], 'Answered requests.'),
  http_request_seconds_total: counter(['method', 'route'], 'Time spent answering.'),
});

/** How long something took, in seconds. */
export type TimedName = 'store_operation_seconds';

export const timedMetrics: Table<TimedName> = Object.freeze({
  store_operation_seconds: {
    kind: 'histogram',
    labels: ['operation', 'outcome'],
    description: 'How long operations of the store took; `successful` or `failed`.',
  },
});

/** All metrics of the service's own. */
export const serviceMetrics: Table<CountedName | TimedName> = Object.freeze({ ...countedMetrics, ...timedMetrics });

function counter(labels: readonly string[], description: string): ServiceMetric {
  return { kind: 'counter', labels, description };
}

function gauge(labels: readonly string[], description: string): ServiceMetric {
  return { kind: 'gauge', labels, description };
}
