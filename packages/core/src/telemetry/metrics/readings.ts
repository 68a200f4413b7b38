import { metricCatalog } from './catalog.ts';
import { readPolicy, type MeasuredPolicy } from './policy-readings.ts';
import type { Report } from './report.ts';
import { type LimiterShape, readLimiter } from './source-readings.ts';
import type { MeasuredPipeline } from './measured-pipeline.ts';

/** Reads policies wherever they stand, each once a collection, however many pipelines share it. */
export class PolicyReading {
  private readonly report: Report;
  private readonly read: Set<unknown> = new Set();

  constructor(report: Report) {
    this.report = report;
  }

  pipeline(pipeline: MeasuredPipeline): void {
    if (!this.isNew(pipeline)) return;
    for (const policy of pipeline.policies) this.policy(policy, pipeline.name);
  }

  policy(policy: MeasuredPolicy, pipeline: string | undefined): void {
    if (isPipeline(policy)) return this.pipeline(policy);
    if (!this.isNew(policy)) return;
    const name = policy.name ?? policy.kind;
    if (isKeyed(policy)) this.keyed(policy, pipeline, name);
    else readPolicy(policy, this.report, pipeline, name);
    const { limiter } = policy as { readonly limiter?: LimiterShape };
    if (policy.kind === 'rate-limit' && limiter !== undefined) this.limiter(limiter);
  }

  limiter(limiter: LimiterShape): void {
    if (this.isNew(limiter)) readLimiter(limiter, this.report);
  }

  /**
   * What the policies of all keys have together, under the name of the keyed one. Not what they have counted: a key
   * that is forgotten takes its counts with it, and a counter must not fall.
   */
  private keyed(policy: KeyedShape, pipeline: string | undefined, name: string): void {
    this.report('keys', policy.size, pipeline, name);
    const gauges: Report = (metric, ...rest) => {
      if (metricCatalog[metric].kind === 'gauge') this.report(metric, ...rest);
    };
    for (const [, inner] of policy) readPolicy(inner, gauges, pipeline, name);
  }

  private isNew(what: unknown): boolean {
    return !this.read.has(what) && this.read.add(what).size > 0;
  }
}

interface KeyedShape extends MeasuredPolicy, Iterable<readonly [key: string, policy: MeasuredPolicy]> {
  readonly size: number;
}

const isKeyed = (policy: MeasuredPolicy): policy is KeyedShape =>
  policy.kind === 'keyed' && Symbol.iterator in policy && 'size' in policy;

/** Whether it is a pipeline: one may stand in the row of another. */
export function isPipeline(source: object): source is MeasuredPipeline {
  return 'kind' in source && source.kind === 'pipeline' && 'policies' in source;
}
