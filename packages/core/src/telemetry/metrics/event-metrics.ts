import type { EventEnvelope } from '../../events/event.ts';
import { errorType } from '../error-type.ts';
import { BoundedValues, type LabelValue } from './bounded-series.ts';
import type { MetricName } from './catalog.ts';
import { eventName, eventSeverity } from './event-words.ts';
import type { Instruments, ToldMetric } from './instruments.ts';
import type { MetricAttributes } from './meter.ts';
import { breakerStates, type MeasuredPolicy } from './policy-readings.ts';

/** Runs of the function beyond this one share a series. */
const MOST_ATTEMPTS = 10;

/** An event with whatever it may carry. */
export type ToldEvent = EventEnvelope & {
  readonly error?: unknown;
  readonly to?: unknown;
  readonly waitedMs?: number;
  readonly size?: number;
  readonly reason?: string;
};

/** Turns events into measurements. */
export class EventMetrics {
  private readonly instruments: Instruments;
  readonly calls: ToldMetric | undefined;
  readonly attempts: ToldMetric | undefined;
  readonly breakerCalls: ToldMetric | undefined;
  private readonly keys: BoundedValues | undefined;
  private readonly onFoldedKey: () => void;
  /** The one that was told last: a source that two watched pipelines share tells both. */
  private last: EventEnvelope | undefined = undefined;

  /** @param keys Bounds the keys of calls; undefined where series are without them. */
  constructor(instruments: Instruments, keys: BoundedValues | undefined, onFoldedKey: () => void) {
    this.instruments = instruments;
    this.calls = instruments.of('calls');
    this.attempts = instruments.of('attempts');
    this.breakerCalls = instruments.of('breakerCalls');
    this.keys = keys;
    this.onFoldedKey = onFoldedKey;
  }

  /** True when `event` is told for the first time. */
  isNew(event: EventEnvelope): boolean {
    if (event === this.last) return false;
    this.last = event;
    return true;
  }

  get withoutKeys(): boolean {
    return this.keys === undefined;
  }

  /** The series of a call that has ended. */
  callSeries(event: ToldEvent, pipeline: string | undefined): MetricAttributes | undefined {
    return this.calls?.series.of(pipeline, kindOf(event), errorOf(event), this.keyOf(event));
  }

  /** The series of a run of the function that has ended. */
  attemptSeries(event: ToldEvent, pipeline: string | undefined): MetricAttributes | undefined {
    const attempt = Math.min(event.attempt ?? 0, MOST_ATTEMPTS);
    return this.attempts?.series.of(pipeline, kindOf(event), attempt, errorOf(event), this.keyOf(event));
  }

  /** Counts any other event; `pipeline` and `source` are the names of what told it, where the event says none. */
  told(
    event: ToldEvent,
    named: { readonly pipeline?: string | undefined; readonly source?: string | undefined },
  ): void {
    const { type, pipeline = named.pipeline, policy = named.source } = event;
    if (this.measured(event, policy)) return;
    this.add('events', [pipeline, policy, eventName(type), eventSeverity(event), errorOf(event)]);
    switch (type) {
      case 'circuit-opened':
      case 'circuit-half-opened':
      case 'circuit-closed':
      case 'circuit-isolated':
        return this.add('breakerTransitions', [pipeline, policy, breakerStates[String(event.to)]]);
      case 'circuit-rejected':
        return this.add('breakerRejected', [pipeline, policy, 'not_permitted']);
      case 'timeout':
        return this.add('timeouts', [pipeline, policy, 'timeout']);
      case 'fallback':
        return this.add('fallbacks', [pipeline, policy, kindOf(event)]);
      case 'cache-load':
      case 'cache-load-failed':
        return this.record('cacheLoadTime', event.durationMs, [policy, kindOf(event), errorOf(event)]);
      case 'resource-created':
        return this.record('poolCreateTime', event.durationMs, [policy]);
      default:
    }
  }

  /** Measures the usual course of loans, tasks and batches, which no event counter needs to count; false for any other event. */
  private measured(event: ToldEvent, policy: string | undefined): boolean {
    const { type, waitedMs, durationMs, reason } = event;
    switch (type) {
      case 'resource-acquired':
        this.record('poolWaitTime', waitedMs, [policy]);
        return true;
      case 'resource-released':
        this.record('poolUseTime', durationMs, [policy]);
        return true;
      case 'task-started':
        this.record('workerWaitTime', waitedMs, [policy]);
        return true;
      case 'task-ended':
        this.record('workerRunTime', durationMs, [policy, kindOf(event), errorOf(event)]);
        return true;
      case 'batch-flushed':
        this.record('batchSize', event.size, [policy, reason]);
        this.record('batchWaitTime', waitedMs, [policy, reason]);
        return true;
      case 'batch-ended':
        this.record('batchTime', durationMs, [policy, kindOf(event), errorOf(event)]);
        return true;
      default:
        return false;
    }
  }

  /** The series of a run of the function under a breaker. */
  breakerSeries(event: ToldEvent, pipeline: string | undefined, breaker: MeasuredPolicy): MetricAttributes {
    return this.breakerCalls!.series.of(pipeline, breaker.name, kindOf(event));
  }

  private keyOf({ key }: EventEnvelope): string | undefined {
    if (this.keys === undefined || key === undefined) return undefined;
    const bounded = this.keys.of(key);
    if (bounded !== key) this.onFoldedKey();
    return bounded;
  }

  private add(name: MetricName, labels: readonly LabelValue[]): void {
    const metric = this.instruments.of(name);
    metric?.put(1, metric.series.of(...labels));
  }

  /** Records what an event says; nothing where it does not say it, or can't: of what others made, nobody knows how long it took. */
  private record(name: MetricName, value: number | undefined, labels: readonly LabelValue[]): void {
    const metric = this.instruments.of(name);
    if (metric === undefined || value === undefined || Number.isNaN(value)) return;
    metric.put(value, metric.series.of(...labels));
  }
}

const kindOf = ({ outcome }: EventEnvelope): string => (outcome === 'success' ? 'successful' : 'failed');

/** What failed a call, a run, or what a policy was asked for; undefined where nothing has. */
function errorOf({ outcome, error }: ToldEvent): string | undefined {
  return outcome === 'failure' && error !== undefined ? errorType(error) : undefined;
}
