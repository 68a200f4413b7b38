/** A status page behind each of the servers that it is made for, on a free port. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { circuitBreaker, type CircuitBreaker } from 'breakwater';
import { pipelineRegistry, type PipelineRegistry } from 'breakwater/registry';
import { type StatusPage, statusPage, type StatusPageOptions } from 'breakwater/telemetry';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';

export const TOKEN = 'a-token-of-length-24-xyz';

/** How each server serves the page at `/ops/status`. */
export const servers: Readonly<Record<string, (page: StatusPage) => Promise<Server>>> = {
  'node:http': async (page) => {
    const server = createServer(page.handler);
    return listening(server.listen(0, '127.0.0.1'));
  },
  Express: async (page) => {
    const app = express();
    app.use('/ops/status', page.handler);
    return listening(app.listen(0, '127.0.0.1'));
  },
  'Express with a body parser': async (page) => {
    const app = express();
    app.use(express.json());
    app.use('/ops/status', page.handler);
    return listening(app.listen(0, '127.0.0.1'));
  },
  Fastify: async (page) => {
    const app = fastify();
    app.all('/ops/status', page.fastify);
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },
  Hono: async (page) => {
    const app = new Hono();
    app.all('/ops/status', (context) => page.fetch(context.req.raw));
    return listening(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server);
  },
};

async function listening(server: Server): Promise<Server> {
  if (!server.listening) await once(server, 'listening');
  return server;
}

/** What a test sees of a page that is served. */
export interface ServedPage {
  readonly url: string;
  readonly page: StatusPage;
  readonly registry: PipelineRegistry;
  readonly breaker: CircuitBreaker;
  readonly server: Server;
}

/** Serves a page while `body` runs; fails where anything goes on afterwards. */
export async function withStatusPage(
  name: string,
  body: (served: ServedPage) => Promise<void>,
  options: StatusPageOptions = {},
): Promise<void> {
  const breaker = circuitBreaker({ name: 'stock-breaker' });
  const registry = pipelineRegistry(
    {
      pipelines: {
        stock: { policies: [{ use: 'breaker' }, { bulkhead: 4 }] },
        prices: { policies: [{ timeout: '1s' }] },
      },
    },
    { policies: { breaker } },
  );
  const page = statusPage(registry, { title: 'Shop', commandToken: TOKEN, intervalMs: 200, ...options });
  const server = await servers[name]!(page);
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ops/status`;
    await body({ url, page, registry, breaker, server });
  } finally {
    page.close();
    await registry.close();
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }
}
