/** Puts together what a status page shows, and keeps what its plots need. */
import type { HealthReport } from '../health/health.ts';
import type { ResolvedStatusOptions } from './options.ts';
import { alertViews, cacheView, healthViews, limiterView, operationViews } from './parts-view.ts';
import { PipelineWatch } from './pipeline-watch.ts';
import { policyView } from './policy-facts.ts';
import type { ListedPipeline, StatusCache, StatusRegistry } from './registry-port.ts';
import { SeriesBook } from './series.ts';
import { type CallsView, type PipelineView, type PolicyView, type StatusView, type Tone, worstTone } from './view.ts';

/** What the plots get with each interval, by the name of what they belong to. */
export type Points = Readonly<Record<string, Readonly<Record<string, number>>>>;

export class StatusModel {
  readonly series: SeriesBook;
  /** How many points a plot has. */
  readonly capacity: number;
  private readonly registry: StatusRegistry;
  private readonly options: ResolvedStatusOptions;
  private readonly watches: Map<string, PipelineWatch> = new Map();
  private readonly lastCounts: Map<StatusCache, readonly [hits: number, misses: number]> = new Map();
  private health: HealthReport | undefined = undefined;
  private asksHealth = false;

  constructor(registry: StatusRegistry, options: ResolvedStatusOptions) {
    this.registry = registry;
    this.options = options;
    this.capacity = Math.ceil(options.historyMs / options.intervalMs);
    this.series = new SeriesBook(this.capacity);
    this.follow(registry.list());
    this.askHealth();
  }

  /** The next point of every plot. */
  sample(): Points {
    const pipelines = this.registry.list();
    this.follow(pipelines);
    this.askHealth();
    const points = new Map<string, Readonly<Record<string, number>>>();
    const put = (kind: string, name: string, point: Readonly<Record<string, number>>): void =>
      void points.set(`${kind}:${this.clean(name)}`, point);
    for (const { name, policies } of pipelines) {
      put('pipeline', name, this.watches.get(name)!.point(this.options.intervalMs));
      const views = policies.map((policy, index) => policyView(policy, String(index), this.clean));
      for (const { place, value } of flat(views)) if (value !== undefined) put(`policy:${place}`, name, { value });
    }
    for (const [name, cache] of Object.entries(this.options.caches ?? {})) put('cache', name, this.cachePoint(cache));
    for (const [name, { statistics }] of Object.entries(this.options.limiters ?? {}))
      put('limiter', name, { value: statistics.waiting });
    this.series.add(points);
    return Object.fromEntries(points);
  }

  view(): StatusView {
    const { title, caches = {}, limiters = {}, monitor, alerts, commandToken, clock } = this.options;
    const { clean } = this;
    const listed = this.registry.list();
    this.follow(listed);
    const pipelines = listed.map((each) => this.pipelineView(each));
    const health = healthViews(this.health, clean);
    const shownAlerts = alertViews(alerts, clean);
    const { shown: operations, more: moreOperations } = operationViews(monitor, clean);
    const tone = worstTone([...pipelines, ...health, ...shownAlerts].map((each) => each.tone));
    return {
      title: clean(title),
      timestamp: new Date(clock.wallTime()).toISOString(),
      tone,
      summary: SUMMARIES[tone],
      commands: commandToken !== undefined,
      moreOperations,
      pipelines,
      caches: Object.entries(caches).map(([name, cache]) => cacheView(name, cache, clean)),
      limiters: Object.entries(limiters).map(([name, limiter]) => limiterView(name, limiter, clean)),
      operations,
      health,
      alerts: shownAlerts,
    };
  }

  private readonly clean = (text: string): string => this.options.redactor.text(text);

  stop(): void {
    for (const watch of this.watches.values()) watch.stop();
    this.watches.clear();
  }

  /** A registry gains and loses pipelines while it is watched. */
  private follow(pipelines: readonly ListedPipeline[]): void {
    const names = new Set(pipelines.map(({ name }) => name));
    for (const [name, watch] of this.watches) {
      if (names.has(name) && this.registry.get(name) === watch.pipeline) continue;
      watch.stop();
      this.watches.delete(name);
    }
    for (const name of names)
      if (!this.watches.has(name))
        this.watches.set(name, new PipelineWatch(this.registry.get(name), this.options.clock));
  }

  private pipelineView({ name, busy, policies }: ListedPipeline): PipelineView {
    const { clean } = this;
    const { calls } = this.watches.get(name)!;
    const views = policies.map((policy, index) => policyView(policy, String(index), clean));
    return { name: clean(name), busy, calls, policies: views, ...statusOf(calls, busy, views) };
  }

  /** The hit ratio since the last point. */
  private cachePoint(cache: StatusCache): Readonly<Record<string, number>> {
    const { memoryHits, tierHits, staleHits, misses } = cache.statistics;
    const hits = memoryHits + tierHits + staleHits;
    const [lastHits, lastMisses] = this.lastCounts.get(cache) ?? [hits, misses];
    this.lastCounts.set(cache, [hits, misses]);
    return { value: (hits - lastHits) / (hits - lastHits + misses - lastMisses) };
  }

  private askHealth(): void {
    const { health } = this.options;
    if (health === undefined || this.asksHealth) return;
    this.asksHealth = true;
    const known = (report: HealthReport | undefined): void => {
      this.health = report;
      this.asksHealth = false;
    };
    // The library's own never rejects; of another one that does nothing is known.
    health.check().then(known, () => known(undefined));
  }
}

const SUMMARIES: Readonly<Record<Tone, string>> = {
  good: 'All is well',
  warn: 'Not everything is as it should be',
  bad: 'Something needs attention',
  idle: 'Nothing has been called yet',
};

function* flat(views: readonly PolicyView[]): Iterable<PolicyView> {
  for (const view of views) {
    yield view;
    yield* flat(view.policies ?? []);
  }
}

/** How a pipeline is, in a word. */
function statusOf(
  calls: CallsView,
  busy: number,
  policies: readonly PolicyView[],
): Pick<PipelineView, 'tone' | 'status'> {
  const breakers = [...flat(policies)].filter(({ isBreaker }) => isBreaker);
  const stopped = breakers.find(({ tone }) => tone === 'bad') ?? breakers.find(({ tone }) => tone === 'warn');
  if (stopped?.state !== undefined) return { tone: stopped.tone, status: stopped.state };
  if (calls.errorRatio === null)
    return busy > 0 ? { tone: 'good', status: 'running' } : { tone: 'idle', status: 'idle' };
  if (calls.errorRatio >= 0.25) return { tone: 'bad', status: 'failing' };
  return calls.errorRatio >= 0.1 ? { tone: 'warn', status: 'degraded' } : { tone: 'good', status: 'healthy' };
}
