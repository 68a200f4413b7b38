/** Puts together what a status page shows, and keeps what its plots need. */
import type { HealthReport } from '../health/health.ts';
import type { ResolvedStatusOptions } from './options.ts';
import {
  alertViews,
  batcherView,
  cacheView,
  healthViews,
  limiterView,
  operationViews,
  poolView,
  waitingIn,
} from './parts-view.ts';
import { PipelineWatch } from './pipeline-watch.ts';
import { policyView } from './policy-facts.ts';
import type { ListedPipeline, StatusBatcher, StatusCache, StatusRegistry } from './registry-port.ts';
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
  private readonly lastGets: Map<StatusCache, Counts> = new Map();
  private readonly lastBatches: Map<StatusBatcher, Counts> = new Map();
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
    const { caches = {}, limiters = {}, pools = {}, batchers = {} } = this.options;
    for (const [name, cache] of Object.entries(caches)) put('cache', name, this.cachePoint(cache));
    for (const [name, { statistics }] of Object.entries(limiters)) put('limiter', name, { value: statistics.waiting });
    for (const [name, pool] of Object.entries(pools)) put('pool', name, { value: waitingIn(pool) });
    for (const [name, batcher] of Object.entries(batchers)) put('batcher', name, this.batcherPoint(batcher));
    this.series.add(points);
    return Object.fromEntries(points);
  }

  view(): StatusView {
    const {
      title,
      caches = {},
      limiters = {},
      pools = {},
      batchers = {},
      monitor,
      alerts,
      commandToken,
      clock,
    } = this.options;
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
      pools: Object.entries(pools).map(([name, pool]) => poolView(name, pool, clean)),
      batchers: Object.entries(batchers).map(([name, batcher]) => batcherView(name, batcher, clean)),
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
    return { value: ratioSince(this.lastGets, cache, [hits, hits + misses]) };
  }

  /** The keys per batch since the last point. */
  private batcherPoint(batcher: StatusBatcher): Readonly<Record<string, number>> {
    const { keys, batches } = batcher.statistics;
    return { value: ratioSince(this.lastBatches, batcher, [keys, batches]) };
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

type Counts = readonly [part: number, whole: number];

/** What the part makes of the whole, of what was counted since the last time; NaN where nothing was, as at first. */
function ratioSince<Of>(last: Map<Of, Counts>, of: Of, now: Counts): number {
  const [part, whole] = last.get(of) ?? now;
  last.set(of, now);
  return (now[0] - part) / (now[1] - whole);
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
