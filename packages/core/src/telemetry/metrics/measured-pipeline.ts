import type { EventTeller } from '../event-teller.ts';
import type { EventMetrics, ToldEvent } from './event-metrics.ts';
import type { ToldMetric } from './instruments.ts';
import type { MetricAttributes } from './meter.ts';
import type { MeasuredPolicy } from './policy-readings.ts';

/** A pipeline as it is seen from here. */
export interface MeasuredPipeline extends EventTeller {
  readonly kind: 'pipeline';
  readonly name?: string;
  readonly policies: readonly MeasuredPolicy[];
}

/** Measures the calls of one pipeline. What has succeeded is counted without building anything. */
export class PipelineWatch {
  private readonly pipeline: MeasuredPipeline;
  private readonly metrics: EventMetrics;
  private callSucceeded: MetricAttributes | undefined = undefined;
  private firstSucceeded: MetricAttributes | undefined = undefined;
  private policies: readonly MeasuredPolicy[] = [];
  private breakers: readonly MeasuredPolicy[] = [];
  /** For each of the breakers, the series of runs that succeed. */
  private breakerSucceeded: MetricAttributes[] = [];

  constructor(pipeline: MeasuredPipeline, metrics: EventMetrics) {
    this.pipeline = pipeline;
    this.metrics = metrics;
  }

  hear(event: ToldEvent): void {
    const { metrics } = this;
    if (!metrics.isNew(event)) return;
    if (event.type === 'call-ended') this.callEnded(event);
    else if (event.type === 'attempt-ended') this.attemptEnded(event);
    else metrics.told(event, { pipeline: this.pipeline.name });
  }

  private callEnded(event: ToldEvent): void {
    const { calls } = this.metrics;
    if (calls === undefined) return;
    if (!this.isUsual(event)) return calls.put(event.durationMs!, this.metrics.callSeries(event, this.nameOf(event))!);
    calls.put(event.durationMs!, (this.callSucceeded ??= this.metrics.callSeries(event, this.nameOf(event))!));
  }

  private attemptEnded(event: ToldEvent): void {
    const { attempts, breakerCalls } = this.metrics;
    const usual = this.isUsual(event);
    if (breakerCalls !== undefined) this.timeUnderBreakers(breakerCalls, event, usual);
    if (attempts === undefined) return;
    if (!usual) return attempts.put(event.durationMs!, this.metrics.attemptSeries(event, this.nameOf(event))!);
    const isFirst = event.attempt === 1;
    const series =
      (isFirst ? this.firstSucceeded : undefined) ?? this.metrics.attemptSeries(event, this.nameOf(event))!;
    if (isFirst) this.firstSucceeded = series;
    attempts.put(event.durationMs!, series);
  }

  /** Whether the series depends on nothing but the kind of event: no error, no key, no pipeline within this one. */
  private isUsual(event: ToldEvent): boolean {
    return event.outcome === 'success' && this.metrics.withoutKeys && this.nameOf(event) === this.pipeline.name;
  }

  /** A pipeline without a name tells none; a pipeline within this one tells its own. */
  private nameOf(event: ToldEvent): string | undefined {
    return event.pipeline ?? this.pipeline.name;
  }

  private timeUnderBreakers(metric: ToldMetric, event: ToldEvent, usual: boolean): void {
    this.followPolicies();
    const { breakers, breakerSucceeded } = this;
    for (let index = 0; index < breakers.length; index++) {
      const known = usual ? breakerSucceeded[index] : undefined;
      const series = known ?? this.metrics.breakerSeries(event, this.nameOf(event), breakers[index]!);
      if (usual) breakerSucceeded[index] = series;
      metric.put(event.durationMs!, series);
    }
  }

  /** Policies may be replaced while the pipeline is in use. */
  private followPolicies(): void {
    const { policies } = this.pipeline;
    if (policies === this.policies) return;
    this.policies = policies;
    this.breakers = policies.filter(({ kind }) => kind === 'circuit-breaker');
    this.breakerSucceeded = [];
  }
}
