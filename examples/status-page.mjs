// A service that fails now and then, with its status page at http://127.0.0.1:8080 (or the port given), its health at
// /live and /ready, and its logs as JSON: `node examples/status-page.mjs [port]`. Needs `npm install breakwater`.
import { createServer } from 'node:http';
import { circuitBreaker } from 'breakwater';
import { createCache } from 'breakwater/cache';
import { connectionPool } from 'breakwater/connection-pool';
import { logContext, withRequestCorrelation } from 'breakwater/correlation';
import { rateLimiter } from 'breakwater/rate-limit';
import { pipelineRegistry } from 'breakwater/registry';
import {
  alertRules,
  callHealth,
  createLogger,
  healthChecks,
  logEvents,
  performanceMonitor,
  statusPage,
} from 'breakwater/telemetry';
import { batcher, workerPool } from 'breakwater/work';

const registry = pipelineRegistry(
  {
    pipelines: {
      inventory: {
        policies: [
          { timeout: '2s' },
          { retry: { maxAttempts: 3, backoff: { exponential: { initialMs: '20ms' } } } },
          'circuitBreaker',
          { bulkhead: { maxConcurrent: 8, maxQueue: 40 } },
        ],
      },
      payments: {
        policies: [{ timeout: '3s' }, { rateLimit: { limit: 40, periodMs: '1s' } }, { use: 'payments-breaker' }],
      },
      search: { policies: [{ hedge: { delayMs: '60ms' } }, { timeout: '500ms' }, { bulkhead: 20 }] },
    },
  },
  { policies: { 'payments-breaker': circuitBreaker({ name: 'payments-breaker', breakMs: 15_000 }) } },
);
const users = createCache({ namespace: 'users', ttlMs: 20_000, maxEntries: 1_000 });
const logins = rateLimiter({ limit: 5, periodMs: 1_000 });
const database = connectionPool({ create: () => ({}), maxSize: 3, maxOverflow: 0 });
const mail = workerPool({ maxWorkers: 2 });
const prices = batcher({ batch: (skus) => skus.map((sku) => sku.length), delayMs: 20 });
const monitor = performanceMonitor();
const logger = createLogger({ name: 'shop', context: logContext });
const inventoryHealth = callHealth(registry.get('inventory'));
const health = healthChecks({
  checks: {
    process: { check: () => 'healthy', probes: ['liveness'] },
    inventory: inventoryHealth.check(),
    payments: {
      check: () => (registry.list()[1].policies[2].state.state === 'closed' ? 'healthy' : 'degraded'),
      critical: false,
    },
  },
});
const alerts = alertRules({
  intervalMs: 5_000,
  rules: {
    'inventory errors': {
      measure: () => inventoryHealth.measure().errorRatio,
      above: 0.05,
      windowMs: 10_000,
      forMs: 10_000,
      summary: 'more than 5 % of inventory calls fail',
    },
  },
});
const page = statusPage(registry, {
  title: 'Shop',
  caches: { users },
  limiters: { logins },
  pools: { database, mail },
  batchers: { prices },
  monitor,
  health,
  alerts,
  commandToken: process.env.STATUS_TOKEN,
});

const stops = registry.names.map((name) => logEvents(registry.get(name), logger));
stops.push(logEvents(health.events, logger), logEvents(alerts.events, logger), logEvents(page.events, logger));
alerts.start();

// What the shop's customers do, played.
const upstream = async (name, ms, failing) => {
  await new Promise((resolve) => setTimeout(resolve, ms * (0.4 + Math.random() ** 4 * 6)));
  if (Math.random() < failing) throw Object.assign(new Error(`${name} is down`), { status: 503 });
};
const begun = Date.now();
const traffic = setInterval(() => {
  const outage = (Date.now() - begun) % 60_000 > 35_000;
  const busy = 1 + Math.sin(Date.now() / 9_000);
  const call = (name, fn) => monitor.track(name, () => registry.get(name).execute(fn)).catch(() => undefined);
  for (let n = 0; n < 4 * busy; n++) void call('inventory', () => upstream('inventory', 40, 0.04));
  for (let n = 0; n < 2; n++) void call('payments', () => upstream('payments', 60, outage ? 0.9 : 0.01));
  void call('search', () => upstream('search', 30, 0.01));
  void users.getOrLoad(`user-${Math.floor(Math.random() ** 3 * 400)}`, async (id) => ({ id }));
  logins.tryAcquire();
  for (let n = 0; n < busy * 2; n++) void database.use(() => upstream('database', 20, 0));
  void mail.execute(() => upstream('mail', 50, 0.02)).catch(() => undefined);
  for (let n = 0; n < 5 * busy; n++) void prices.load(`sku-${n}`);
}, 100);

/** What a load balancer and an orchestrator ask. */
const probes = { '/live': 'liveness', '/ready': 'readiness' };
const answerProbe = async (response, kind) => {
  const report = await health.check(kind);
  response.writeHead(report.status === 'unhealthy' ? 503 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(report));
};
const server = createServer((request, response) => {
  const kind = probes[request.url];
  withRequestCorrelation(request.headers, () => {
    if (kind === undefined) page.handler(request, response);
    else void answerProbe(response, kind);
  });
});
server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () =>
  logger.info('listening', { port: server.address().port }),
);

const stop = async () => {
  clearInterval(traffic);
  for (const each of stops) each();
  alerts.stop();
  health.close();
  page.close();
  server.close();
  await registry.close({ timeoutMs: 2_000 });
  await Promise.all([users.close(), database.close(), mail.close(), prices.close()]);
};
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());
