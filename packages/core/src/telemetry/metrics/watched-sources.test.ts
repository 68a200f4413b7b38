import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { EventChannel } from '../../events/channel.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { rateLimiter } from '../../rate-limit/local-limiter.ts';
import { rateLimit } from '../../rate-limit/policy.ts';
import { prometheusRegistry } from '../prometheus/registry.ts';
import { collectMetrics } from './collect-metrics.ts';
import { type MetricNaming, openTelemetryNames } from './naming.ts';

function collected(naming: MetricNaming = openTelemetryNames) {
  const registry = prometheusRegistry();
  const metrics = collectMetrics({ meter: registry, naming });
  const lines = (part: string): readonly string[] =>
    registry
      .text()
      .split('\n')
      .filter((line) => !line.startsWith('#') && line.includes(part));
  return { metrics, lines };
}

const envelope = { pipeline: undefined, policy: undefined, key: undefined, timestamp: 0 as never };

describe('a limiter', () => {
  it('is read once, though it is watched by itself and in two pipelines', () => {
    const { metrics, lines } = collected();
    const limiter = rateLimiter({ name: 'api', limit: 1, periodMs: 1_000, clock: new VirtualClock() });
    for (const pipelineName of ['one', 'other']) metrics.watch(pipeline({ name: pipelineName }, rateLimit(limiter)));
    metrics.watch(limiter);
    limiter.tryAcquire('a');
    limiter.tryAcquire('a');
    const requests = lines('limiter_requests').filter((line) => / [^0]/.test(line));
    expect(requests).toHaveLength(2);
    expect(requests.map((line) => line.replace(/.*\{/, '{')).toSorted()).toEqual([
      expect.stringMatching(/admitted.* 1$/),
      expect.stringMatching(/refused.* 1$/),
    ]);
  });

  it('that is no policy is read by what only a limiter counts', () => {
    const { metrics, lines } = collected();
    const counted = { admitted: 3, refused: 2, shadowRefused: 0, withdrawn: 0, dropped: 0, waiting: 1, keys: 4 };
    metrics.watch({ name: 'own', statistics: { ...counted, refusedBy: { minute: 2 } } });
    expect(lines('limiter_keys')).toEqual([expect.stringMatching(/"own".* 4$/)]);
    expect(lines('limiter_refusals')).toEqual([expect.stringMatching(/minute.* 2$/)]);
  });
});

describe('a pipeline', () => {
  it('that stands in two others is read once', () => {
    const { metrics, lines } = collected();
    const limiter = rateLimiter({ name: 'api', limit: 1, periodMs: 1_000 });
    const inner = pipeline({ name: 'inner' }, rateLimit(limiter));
    for (const name of ['one', 'other']) metrics.watch(pipeline({ name }, inner));
    expect(lines('limiter_keys')).toHaveLength(1);
  });

  it('without a name has what it tells counted under that of its kind', async () => {
    const { metrics, lines } = collected();
    const calls = pipeline();
    metrics.watch(calls);
    await calls.execute(() => 1);
    await calls.tryExecute(() => Promise.reject(new RangeError('no')));
    expect(lines('pipeline_duration_count')).toEqual([
      expect.stringMatching(/\{pipeline_name="pipeline"\} 1$/),
      expect.stringMatching(/\{error_type="RangeError",pipeline_name="pipeline"\} 1$/),
    ]);
  });

  it('is not timed where the naming does without its metrics, and everything else is counted', async () => {
    const silent = {
      ...openTelemetryNames,
      nameOf: ({ openTelemetry }: { openTelemetry: string | undefined }) =>
        /duration|calls/.test(openTelemetry ?? '') ? undefined : openTelemetry,
    };
    const { metrics, lines } = collected(silent);
    const told = Object.assign(new EventChannel(), { kind: 'pipeline' as const, name: 'stock', policies: [] });
    metrics.watch(told);
    const ended = { ...envelope, outcome: 'success' as const, durationMs: 5, attempt: 1 };
    for (const type of ['call-ended', 'attempt-ended', 'cache-load', 'retry']) told.emit({ ...ended, type });
    expect(lines('duration')).toEqual([]);
    expect(lines('stock').length).toBeGreaterThan(0);
  });
});

it('an event that tells no duration, or no number of its attempt, is counted all the same', () => {
  const { metrics, lines } = collected();
  const told = Object.assign(new EventChannel(), { kind: 'pipeline' as const, name: 'stock', policies: [] });
  metrics.watch(told);
  told.emit({ ...envelope, type: 'cache-load', outcome: 'success' });
  told.emit({ ...envelope, type: 'attempt-ended', outcome: 'failure', durationMs: 3 });
  expect(lines('CacheLoad"')).toHaveLength(1);
  expect(lines('attempt_number="0"').length).toBeGreaterThan(0);
});

it('what two sources tell of one and the same event is counted once', () => {
  const { metrics, lines } = collected();
  const [one, other] = [new EventChannel(), new EventChannel()];
  for (const [name, events] of [
    ['a', one],
    ['b', other],
  ] as const)
    metrics.watch({ kind: 'mine', name, events });
  const event = { ...envelope, policy: 'mine', type: 'circuit-closed', outcome: 'success' as const };
  for (const events of [one, other]) events.emit(event);
  expect(lines('OnCircuitClosed')).toEqual([expect.stringMatching(/ 1$/)]);
});
