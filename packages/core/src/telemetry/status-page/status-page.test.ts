import { describe, expect, it } from 'vitest';
import { bulkhead } from '../../bulkhead/bulkhead.ts';
import { circuitBreaker } from '../../circuit-breaker/circuit-breaker.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { connectionPool } from '../../connection-pool/connection-pool.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Pipeline } from '../../pipeline/pipeline-contract.ts';
import type { Policy } from '../../policy/policy.ts';
import { pipelineRegistry, type PipelineRegistry, pipelineStatus } from '../../registry/index.ts';
import { workerPool } from '../../work/worker-pool.ts';
import { healthChecks } from '../health/health-checks.ts';
import { performanceMonitor } from '../performance-monitor.ts';
import type { WatchedPipeline } from './registry-port.ts';
import { statusPage } from './status-page.ts';
import { closedAfterwards, down, never, stock, watched, withBreaker } from './test-support/watched-page.ts';

describe('what a status page shows', () => {
  it('is every pipeline with its calls of the last minute, its policies, their states, limits and queues', async () => {
    const { clock, registry, page } = withBreaker();
    const calls = registry.get('stock');
    expect(page.view()).toMatchObject({ tone: 'idle', summary: 'Nothing has been called yet', commands: false });
    for (let n = 0; n < 19; n++) {
      const call = calls.execute(() => new Promise((done) => clock.setTimer(100, () => done(0))));
      await clock.advance(100);
      await call;
    }
    await calls.tryExecute(down);
    for (let n = 0; n < 5; n++) void calls.tryExecute(never);
    const [view] = page.view().pipelines;
    expect(view).toMatchObject({ name: 'stock', tone: 'good', status: 'healthy', busy: 5 });
    expect(view!.calls.errorRatio).toBe(0.05);
    expect(view!.calls.ratePerSecond).toBeCloseTo(20 / 1.9, 5);
    expect(Math.abs(view!.calls.p95Ms! / 100 - 1)).toBeLessThan(0.02);
    expect(view!.policies[0]).toMatchObject({
      place: '0',
      kind: 'circuit-breaker',
      name: 'stock-breaker',
      state: 'closed',
      tone: 'good',
      isBreaker: true,
    });
    expect(view!.policies[1]).toMatchObject({
      tone: 'bad',
      value: 2,
      meters: [
        { label: 'running', used: 2, of: 2 },
        { label: 'queued', used: 3, of: 4 },
      ],
    });
  });

  it('turns bad as a breaker opens or calls fail, and idle again after a minute without calls', async () => {
    const { clock, registry, page, breaker } = withBreaker();
    const calls = registry.get('stock');
    const status = () => page.view().pipelines[0]!.status;
    await calls.execute(() => 1);
    for (let n = 0; n < 2; n++) await calls.tryExecute(down);
    expect([status(), page.view().tone]).toEqual(['open', 'bad']);
    breaker.reset();
    expect(status()).toBe('failing');
    for (let n = 0; n < 17; n++) await calls.execute(() => 1);
    expect(status()).toBe('degraded');
    breaker.isolate();
    expect(status()).toBe('isolated');
    breaker.reset();
    await clock.advance(70_000);
    expect([status(), page.view().pipelines[0]!.calls]).toEqual([
      'idle',
      { ratePerSecond: 0, errorRatio: null, p50Ms: null, p95Ms: null, p99Ms: null },
    ]);
  });

  it('follows a registry whose pipelines come, change and go, and leaves no listener with those that went', async () => {
    const { registry, page, clock } = watched(
      { pipelines: { a: { policies: [] }, b: { policies: [] } } },
      { intervalMs: 1_000 },
    );
    const gone = registry.get('a');
    registry.update({ pipelines: { b: { policies: [{ timeout: '1s' }] }, c: { policies: [] } } });
    await clock.advance(1_000);
    expect(page.view().pipelines.map(({ name, policies }) => [name, policies.length])).toEqual([
      ['b', 1],
      ['c', 0],
    ]);
    const { channel } = gone as unknown as { channel: { isHeard: boolean } };
    expect(channel.isHeard).toBe(false);
  });

  it('tells of each kind of policy what matters, of a pipeline in the row its policies, and of a user’s own its numbers', () => {
    const own = Object.assign(bulkhead({ maxConcurrent: 1 }), { kind: 'own' as never, name: 'own' });
    const clock = new VirtualClock();
    const inner = pipeline({ name: 'inner', clock }, circuitBreaker());
    const policies = { own, inner: inner as unknown as Policy };
    const { page } = watched(
      {
        pipelines: {
          all: {
            policies: [
              { timeout: '2s' },
              { retry: 4 },
              { hedge: { delayMs: '60ms' } },
              { rateLimit: { limit: 600, periodMs: '1m' } },
              { fallback: { value: { secret: 'in the fallback' } } },
              { use: 'own' },
              { use: 'inner' },
            ],
          },
        },
      },
      {},
      policies,
      clock,
    );
    const views = page.view().pipelines[0]!.policies;
    const told = views.map(({ kind, facts }) => [kind, facts.map(({ label, value }) => `${label} ${value}`)]);
    expect(told).toEqual([
      ['timeout', ['after 2 s']],
      ['retry', ['attempts at most 4', 'retries 0', 'exhausted 0']],
      ['hedge', ['delay 60 ms', 'hedges 0', 'answered by a hedge 0']],
      ['rate-limit', ['allows 600 in 60 s', 'waiting 0', 'admitted 0', 'refused 0']],
      ['fallback', []],
      ['own', ['running 0', 'queued 0']],
      ['pipeline', []],
    ]);
    expect(views[6]!.policies![0]).toMatchObject({ place: '6.0', kind: 'circuit-breaker', state: 'closed' });
    expect(JSON.stringify(page.view())).not.toContain('in the fallback');
  });

  it('includes caches, limiters, pools, batchers, operations, health and alerts where they are given', async () => {
    const monitor = performanceMonitor();
    for (let n = 0; n < 40; n++) monitor.record(`operation ${n}`, 10, n === 0);
    monitor.record('operation 0', 10);
    const statistics = {
      memoryHits: 60,
      tierHits: 10,
      staleHits: 5,
      misses: 25,
      loads: 25,
      loadFailures: 5,
      entries: 9,
      evicted: 0,
    };
    const clock = new VirtualClock();
    const { page, clock: time } = watched(
      stock,
      {
        title: 'Shop',
        monitor,
        caches: { users: { statistics } },
        limiters: { logins: { statistics: { admitted: 1, refused: 2, waiting: 3, keys: 4 } } },
        pools: { db: connectionPool({ create: () => ({}), clock }), mail: workerPool({ clock }) },
        batchers: { devices: { statistics: { batches: 4, keys: 30, shared: 2, failed: 3 } } },
        health: healthChecks({ clock, checks: { db: () => ({ status: 'degraded', message: 'slow' }) } }),
        alerts: {
          status: [
            {
              name: 'errors',
              state: 'firing',
              timeInStateMs: 3_000,
              value: 0.5,
              threshold: 0.1,
              summary: 'many errors',
              urgency: 'page',
            },
          ],
        },
      },
      { breaker: circuitBreaker() },
    );
    await time.advance(2_000);
    const view = page.view();
    expect(view).toMatchObject({
      title: 'Shop',
      tone: 'bad',
      summary: 'Something needs attention',
      moreOperations: 10,
    });
    expect(view.caches).toMatchObject([
      { name: 'users', tone: 'warn', headline: { label: 'hit ratio', value: '75 %' } },
    ]);
    expect(view.limiters).toMatchObject([{ name: 'logins', tone: 'warn', headline: { label: 'waiting', value: '3' } }]);
    expect(view.pools).toMatchObject([
      { name: 'db', tone: 'idle', headline: { label: 'waiting', value: '0' } },
      { name: 'mail', tone: 'idle', facts: expect.arrayContaining([{ label: 'workers', value: '10' }]) },
    ]);
    expect(view.batchers).toMatchObject([
      { name: 'devices', tone: 'warn', headline: { label: 'keys per batch', value: '7.5' } },
    ]);
    expect(view.operations[0]).toMatchObject({ name: 'operation 0', count: 2, errorRatio: 0.5 });
    expect(view.health).toEqual([{ name: 'db', tone: 'warn', state: 'degraded', message: 'slow' }]);
    expect(view.alerts).toEqual([
      { name: 'errors', tone: 'bad', state: 'firing', message: 'many errors (now 0.5, for 3 s)' },
    ]);
  });
});

describe('a status page', () => {
  it('that is closed listens to nothing and leaves no timer', async () => {
    const clock = new VirtualClock();
    const own = pipeline({ name: 'own', clock }) as Pipeline & { readonly channel?: { isHeard: boolean } };
    const registry = { list: () => [{ name: 'own', busy: 0, policies: [] }], get: (): WatchedPipeline => own };
    const page = statusPage(registry, { clock });
    expect([own.channel?.isHeard, clock.pendingTimers]).toEqual([true, 1]);
    await clock.advance(10_000);
    page.close();
    page.close();
    expect([own.channel?.isHeard, clock.pendingTimers]).toEqual([false, 0]);
  });

  it('shows pipelines that are in no registry, by an object that stands in for one', async () => {
    const clock = new VirtualClock();
    const pipelines = [
      pipeline({ name: 'search', clock }, bulkhead({ maxConcurrent: 3 })),
      pipeline({ name: 'mail', clock }),
    ];
    const page = statusPage(
      { list: () => pipelines.map(pipelineStatus), get: (name) => pipelines.find((each) => each.name === name)! },
      { clock },
    );
    closedAfterwards(page);
    void pipelines[0]!.execute(never);
    expect(page.view().pipelines).toMatchObject([
      {
        name: 'search',
        status: 'running',
        policies: [{ kind: 'bulkhead', meters: [{ label: 'running', used: 1, of: 3 }] }],
      },
      { name: 'mail', status: 'idle', policies: [] },
    ]);
  });

  it('goes on where what it shows throws, answers 500, and tells', async () => {
    const caches = {
      users: Object.defineProperty({}, 'statistics', {
        enumerable: true,
        get: () => {
          throw new Error('gone');
        },
      }) as never,
    };
    const { page, ask, clock } = watched(stock, { caches }, { breaker: circuitBreaker() });
    const told: unknown[] = [];
    page.events.on('hook-failed', ({ hook }) => told.push(hook));
    for (const format of ['text', 'events']) expect((await ask(`?format=${format}`)).status).toBe(500);
    await clock.advance(4_000);
    expect(told).toEqual(['view', 'view', 'sample', 'sample']);
  });

  it('tells of limits, queues, chances and loads of the other kinds of policies, as plain numbers', () => {
    const listed = (kind: string, state: object, options: object = {}) => ({
      kind,
      name: kind,
      state: state as Record<string, unknown>,
      options: options as Record<string, unknown>,
    });
    const policies = [
      listed('adaptive-concurrency', { inflight: 9, limit: 10, queued: 2, rttMs: 35.5, statistics: { refused: 4 } }),
      listed('client-throttling', { rejectionRatio: 0.6, requests: 1_500, accepts: 300 }),
      listed('shedding', { load: 1.25, statistics: { refused: 7 } }),
      listed('keyed', { size: 40 }, { maxKeys: 100 }),
      listed('circuit-breaker', { state: 'odd', retryAfterMs: Infinity }),
      listed('circuit-breaker', { state: 'open', retryAfterMs: 4_200, timeInStateMs: 200_000 }),
      listed('bulkhead', { running: 1, queued: 0, statistics: {} }, { maxConcurrent: Infinity, maxQueue: 0 }),
      listed('rate-limit', { limits: [{ limit: 10, periodMs: 1_000 }, {}], statistics: { waiting: 3 } }),
      listed('mine', { ratio: 0.5, name: 'not shown', nested: {}, openCircuits: 2 }),
    ];
    const registry = { list: () => [{ name: 'all', busy: 0, policies }], get: (): WatchedPipeline => pipeline() };
    const page = statusPage(registry, { clock: new VirtualClock() });
    closedAfterwards(page);
    const shown = page
      .view()
      .pipelines[0]!.policies.map(({ kind, tone, state, meters, facts }) => [
        `${kind} ${tone} ${state ?? ''}`.trimEnd(),
        [
          ...meters.map(({ label, used, of }) => `${label} ${used}/${of}`),
          ...facts.map(({ label, value }) => `${label} ${value}`),
        ].join(', '),
      ]);
    expect(shown).toEqual([
      ['adaptive-concurrency warn', 'in flight 9/10, limit 10, queued 2, refused 4, round trip 36 ms'],
      ['client-throttling bad', 'refused 60 %, requests 1,500, accepted 300'],
      ['shedding bad', 'load 1.25/1, refused 7'],
      ['keyed idle', 'keys 40/100'],
      ['circuit-breaker idle unknown', ''],
      ['circuit-breaker bad open', 'for 3 min, lets a call through in 4.2 s'],
      ['bulkhead good', ''],
      ['rate-limit warn', 'allows 10 in 1 s, waiting 3'],
      ['mine idle', 'ratio 0.5, open circuits 2'],
    ]);
  });

  it('as text has a line for each operation, check and alert, and says how many are left out', async () => {
    const monitor = performanceMonitor();
    for (let n = 0; n < 31; n++) monitor.record(`operation ${n}`, 1_500);
    const clock = new VirtualClock();
    const status = {
      name: 'errors',
      state: 'pending',
      timeInStateMs: 0,
      value: undefined,
      threshold: 1,
      summary: 'many',
      urgency: 'page',
    } as const;
    const { ask, clock: time } = watched(
      { pipelines: {} },
      {
        monitor,
        health: healthChecks({ clock, checks: { db: () => 'unhealthy' } }),
        alerts: { status: [status] },
        caches: {
          fresh: {
            statistics: {
              memoryHits: 0,
              tierHits: 0,
              staleHits: 0,
              misses: 0,
              loads: 0,
              loadFailures: 0,
              entries: 0,
              evicted: 0,
            },
          },
        },
        limiters: { idle: { statistics: { admitted: 0, refused: 0, waiting: 0, keys: 0 } } },
      },
    );
    await time.advance(2_000);
    const lines = (await (await ask()).text()).split('\n');
    expect(lines).toContain('  … and 1 more');
    expect(lines.find((line) => line.includes('operation 0'))).toMatch(
      /1 times, 0 % failing, p50 1.5 s, p95 1.5 s, p99 1.5 s$/,
    );
    expect(lines.find((line) => line.startsWith('  db'))).toMatch(/unhealthy +checked in 0 ms$/);
    expect(lines.find((line) => line.startsWith('  errors'))).toMatch(/pending +many \(nothing measured, for 0 ms\)$/);
    expect(lines.find((line) => line.startsWith('  fresh'))).toContain('hit ratio –');
  });

  it('tells who waits for pools and how long it took, and how full batches are, now and since the last point', async () => {
    const clock = new VirtualClock();
    const db = connectionPool({ create: () => ({}), maxSize: 1, maxOverflow: 0, clock });
    const mail = workerPool({ maxWorkers: 1, clock });
    const batches = { batches: 1, keys: 1, shared: 0, failed: 0 };
    const fresh = { batches: 0, keys: 0, shared: 0, failed: 0 };
    const { ask, page } = watched(
      { pipelines: {} },
      { pools: { db, mail }, batchers: { devices: { statistics: batches }, fresh: { statistics: fresh } } },
      {},
      clock,
    );
    const lease = await db.acquire();
    const waiting = db.acquire();
    const tasks = [mail.execute(() => new Promise<void>((resolve) => void clock.setTimer(9_000, resolve)))];
    tasks.push(mail.execute(async () => undefined));
    await clock.advance(2_000);
    Object.assign(batches, { batches: 3, keys: 41 });
    await clock.advance(2_000);
    const lines = (await (await ask('?format=text')).text()).split('\n');
    expect(lines.find((line) => line.startsWith('  db'))).toMatch(
      /waiting 1, in use 1, idle 0, lent 1, made 1, waited in vain 0, wait p95 0 ms$/,
    );
    expect(lines.find((line) => line.startsWith('  mail'))).toMatch(
      /waiting 1, running 1, workers 1, succeeded 0, failed 0, refused 0, wait p95 0 ms$/,
    );
    expect(lines.find((line) => line.startsWith('  devices'))).toMatch(/keys per batch 13.7, batches 3, keys 41/);
    expect(lines.find((line) => line.startsWith('  fresh'))).toMatch(/keys per batch –/);
    const { model } = page as unknown as { model: { series: object } };
    const series = JSON.parse(JSON.stringify(model.series)) as Record<string, Record<string, unknown[]>>;
    expect([series['pool:db'], series['pool:mail'], series['batcher:devices']]).toEqual([
      { value: [1, 1] },
      { value: [1, 1] },
      { value: [null, 20] },
    ]);
    lease.release();
    (await waiting).release();
    await clock.advance(5_000);
    await Promise.all(tasks);
  });

  it('keeps no more points than its plots have', async () => {
    const { clock, page } = watched(stock, { intervalMs: 1_000, historyMs: 20_000 }, { breaker: circuitBreaker() });
    await clock.advance(300_000);
    const { model } = page as unknown as { model: { series: object } };
    const series = JSON.parse(JSON.stringify(model.series)) as Record<string, Record<string, unknown[]>>;
    expect(Object.values(series['pipeline:stock']!).map(({ length }) => length)).toEqual([20, 20, 20, 20, 20]);
  });

  it('shows neither secrets of names nor of messages', async () => {
    const secret = 'sk-live-abcdefghijklmnop';
    const clock = new VirtualClock();
    const { ask, clock: time } = watched(
      { pipelines: { [`for ${secret}`]: { policies: [{ timeout: { timeoutMs: 50, name: secret } }] } } },
      {
        title: `Shop ${secret}`,
        health: healthChecks({
          clock,
          foreignMessages: true,
          checks: { [secret]: () => Promise.reject(new Error(secret)) },
        }),
        alerts: {
          status: [
            {
              name: secret,
              state: 'firing',
              timeInStateMs: 0,
              value: 1,
              threshold: 1,
              summary: secret,
              urgency: secret,
            },
          ],
        },
        caches: {},
      },
    );
    await time.advance(5_000);
    const reader = (await ask('?format=events')).body!.getReader();
    const part = new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    const outputs = [
      part,
      ...(await Promise.all(['html', 'text', 'json'].map(async (format) => (await ask(`?format=${format}`)).text()))),
    ];
    for (const output of outputs) expect(output).not.toContain(secret);
    expect(part).toContain('[redacted]');
  });

  it('refuses options that can not be meant, all at once', () => {
    const registry: PipelineRegistry = pipelineRegistry({ pipelines: {} });
    const wrong = {
      title: '',
      commandToken: 'short',
      caches: { a: 1 },
      limiters: 3,
      pools: { a: 1 },
      batchers: [1],
      monitor: {},
      health: {},
      alerts: 1,
      intervalMs: 1,
      historyMs: 5,
      maxViewers: 0,
      tokn: 'x',
    };
    expect(() => statusPage(registry, wrong as never)).toThrow(
      /title[^]*commandToken[^]*caches[^]*limiters[^]*pools[^]*batchers[^]*monitor[^]*health[^]*alerts[^]*intervalMs[^]*historyMs[^]*maxViewers[^]*tokn/,
    );
  });
});
