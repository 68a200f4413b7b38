import { type CacheInfo, cacheInfoSchema, healthStatusSchema, paths } from '@breakwater/device-client/contract';
import type { FastifyInstance } from 'fastify';
import { Object as Shape, String as Text } from 'typebox';
import type { ApiParts } from './api-parts.ts';
import { responses } from './responses.ts';

const state = Shape({ status: Text() });
const tags = ['state'];
const unhealthy: object = { description: 'Unhealthy', ...healthStatusSchema };

/** How the service is, and what it holds. */
export function stateRoutes(app: FastifyInstance, parts: ApiParts): void {
  cacheInfoRoute(app, parts);
  healthRoute(app, parts);
  probeRoutes(app, parts);
  metricsRoute(app, parts);
}

function cacheInfoRoute(app: FastifyInstance, { store, nearCache }: ApiParts): void {
  app.get(
    paths.cacheInfo,
    { schema: { tags, summary: 'What the cache holds', response: responses({ 200: cacheInfoSchema }) } },
    async (): Promise<CacheInfo> => {
      const { devices, memoryBytes, oldestMs, newestMs } = await store.info();
      const hitRatios = { ...nearCache.hitRatios };
      return {
        store: store.kind,
        devices,
        memoryBytes,
        oldestEntry: iso(oldestMs),
        newestEntry: iso(newestMs),
        hitRatios,
      };
    },
  );
}

function healthRoute(app: FastifyInstance, { health }: ApiParts): void {
  app.get(
    paths.health,
    {
      schema: {
        tags,
        summary: 'How well the service is, with causes; 503 when it is unhealthy',
        response: {
          ...responses({ 200: healthStatusSchema }),
          503: unhealthy,
        },
      },
    },
    async (_request, reply) => {
      const status = await health();
      reply.statusCode = status.status === 'unhealthy' ? 503 : 200;
      return reply.send(status);
    },
  );
}

/** What those ask who start the process, and who send it requests. */
function probeRoutes(app: FastifyInstance, { health, isDraining }: ApiParts): void {
  app.get(
    paths.live,
    { schema: { tags, summary: 'Whether the process runs', response: { 200: { description: 'It does', ...state } } } },
    () => ({ status: 'live' }),
  );
  app.get(
    paths.ready,
    {
      schema: {
        tags,
        summary: 'Whether requests are welcome',
        response: { 200: { description: 'They are', ...state }, 503: { description: 'Not now', ...state } },
      },
    },
    async (_request, reply) => {
      const { status } = isDraining() ? { status: 'draining' } : await health();
      const isReady = status === 'healthy' || status === 'degraded';
      return reply.status(isReady ? 200 : 503).send({ status: isReady ? 'ready' : status });
    },
  );
}

function metricsRoute(app: FastifyInstance, { nearCache, metrics }: ApiParts): void {
  app.get(
    paths.metrics,
    {
      schema: {
        tags,
        summary: 'Numbers in the text format of Prometheus',
        response: { ...responses({}), 200: { description: 'Numbers', content: { 'text/plain': { schema: Text() } } } },
      },
    },
    async (_request, reply) => {
      const { asked, found } = nearCache.storeReads;
      metrics.counters.set('store_reads_total', { outcome: 'found' }, found);
      metrics.counters.set('store_reads_total', { outcome: 'missing' }, asked - found);
      return reply.type(metrics.contentType).send(metrics.text());
    },
  );
}

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
