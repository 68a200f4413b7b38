/** What series are told apart by: each label as OpenTelemetry calls it, and as resilience4j's users know it. */
export interface LabelNames {
  readonly openTelemetry: string | undefined;
  readonly resilience4j: string | undefined;
  /** What stands in it. */
  readonly meaning: string;
}

function label(openTelemetry: string | undefined, resilience4j: string | undefined, meaning: string): LabelNames {
  return Object.freeze({ openTelemetry, resilience4j, meaning });
}

/** The label of a metric, by its neutral name. */
export type LabelName =
  | 'pipeline'
  | 'policy'
  | 'event'
  | 'severity'
  | 'key'
  | 'attempt'
  | 'error'
  | 'outcome'
  | 'kind'
  | 'state'
  | 'limit'
  | 'limiter'
  | 'cache'
  | 'result'
  | 'tier'
  | 'cause'
  | 'pool'
  | 'connectionState'
  | 'workers'
  | 'batcher'
  | 'priority'
  | 'reason'
  | 'operation'
  | 'percentile'
  | 'metric';

/** All labels. One that has no name in a naming is left out of it. */
export const metricLabels: Readonly<Record<LabelName, LabelNames>> = Object.freeze({
  pipeline: label('pipeline.name', 'pipeline', 'The name of the pipeline.'),
  policy: label('strategy.name', 'name', 'The name of the policy.'),
  event: label('event.name', 'event', 'The event: `OnRetry`, `OnCircuitOpened`.'),
  severity: label('event.severity', 'severity', '`Debug`, `Information`, `Warning` or `Error`.'),
  key: label('operation.key', 'key', 'The key of the call; only with `keys: true`.'),
  attempt: label('attempt.number', 'attempt', 'Which run of the function it was, from 1; those above 9 share `10`.'),
  error: label('error.type', 'error', 'The code of the error, otherwise the name of its class; only of a failure.'),
  outcome: label(undefined, 'kind', '`successful` or `failed`.'),
  kind: label('kind', 'kind', 'Which of the kinds that the description names.'),
  state: label('state', 'state', 'Which of the states that the description names.'),
  limit: label('limit.name', 'limit', 'The name of the limit that refused.'),
  limiter: label('limiter.name', 'name', 'The name of the limiter.'),
  cache: label('cache.name', 'cache', 'The name of the cache.'),
  result: label('cache.result', 'result', '`hit`, `stale` or `miss`.'),
  tier: label('cache.tier', 'tier', '`memory` or `second`; only of a hit.'),
  cause: label('cause', 'cause', 'Which of the causes that the description names.'),
  pool: label('db.client.connection.pool.name', 'pool', 'The name of the pool.'),
  connectionState: label('db.client.connection.state', 'state', '`idle` or `used`.'),
  workers: label('worker_pool.name', 'name', 'The name of the worker pool.'),
  batcher: label('batcher.name', 'name', 'The name of the batcher.'),
  reason: label(
    'batch.reason',
    'reason',
    'Why the batch went: `count` or `weight` (it was full), `delay` (its time was up), `explicit` (it was flushed).',
  ),
  priority: label('call.priority', 'priority', 'The priority of the calls; only of refusals.'),
  operation: label('operation.name', 'operation', 'The name of the operation.'),
  percentile: label('percentile', 'percentile', '`50`, `95`, `99`, `99.9`.'),
  metric: label('metric', 'metric', 'The name of the metric.'),
});
