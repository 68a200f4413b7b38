import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { resilientFetch } from 'breakwater/http';
import {
  correlatedFetch,
  correlationHeaders,
  currentCorrelation,
  logContext,
  withCorrelation,
  withRequestCorrelation,
} from 'breakwater/correlation';
import { pipeline } from 'breakwater';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;

describe('the headers of an incoming request', () => {
  it('give the id, and a span of our own in the trace that they bring', () => {
    const headers = { 'x-request-id': 'req-7', traceparent, tracestate: 'vendor=1' };
    withRequestCorrelation(headers, () => {
      const { correlationId, traceId, spanId, sampled } = currentCorrelation()!;
      expect([correlationId, traceId, sampled]).toEqual(['req-7', TRACE, true]);
      expect(spanId).toMatch(/^[\da-f]{16}$/);
      expect(spanId).not.toBe('b7ad6b7169203331');
      expect(logContext()).toEqual({ correlation_id: 'req-7', trace_id: TRACE, span_id: spanId });
      expect(correlationHeaders()).toEqual({
        'x-request-id': 'req-7',
        traceparent: `00-${TRACE}-${spanId}-01`,
        tracestate: 'vendor=1',
      });
    });
  });

  it('may carry the id under another name, or one that is not accepted, or none', () => {
    const idOf = (headers: Record<string, string>, options?: object) =>
      withRequestCorrelation(headers, () => currentCorrelation()!.correlationId, options);
    const fresh = /^[\da-f-]{36}$/;
    expect(idOf({ 'x-correlation-id': 'c' })).toBe('c');
    expect(idOf({ 'x-request-id': 'a', 'x-correlation-id': 'c' })).toBe('a');
    expect(idOf({ 'x-request-id': 'a\tb', 'x-correlation-id': 'c' })).toBe('c');
    expect(idOf({ 'x-job': 'j' }, { idHeaders: ['x-job'] })).toBe('j');
    expect(idOf({})).toMatch(fresh);
    expect(idOf({ 'x-request-id': 'forged\r\nline' })).toMatch(fresh);
    expect(idOf({ 'x-request-id': 'a', traceparent }, { trusted: false })).toMatch(fresh);
    withRequestCorrelation({ traceparent }, () => undefined, { trusted: false });
  });

  it('that are no trace, or hold no state that may be handed on, give none', () => {
    withRequestCorrelation({ 'x-request-id': 'a', traceparent: 'ff-1-2-3', tracestate: 'x=1' }, () => {
      expect(correlationHeaders()).toEqual({ 'x-request-id': 'a' });
    });
    withRequestCorrelation({ traceparent, tracestate: `x=${'y'.repeat(600)}` }, () => {
      expect(correlationHeaders()).not.toHaveProperty('tracestate');
    });
    withRequestCorrelation({ traceparent: traceparent.replace(/01$/, '00') }, () => {
      expect(correlationHeaders()['traceparent']).toMatch(/-00$/);
    });
  });
});

/** Serves as each framework does it, and gives the id under which each request was handled. */
const frameworks: Record<string, (port: (port: number) => Promise<void>) => Promise<void>> = {
  'node:http': async (use) => {
    const server = createServer((request, response) =>
      withRequestCorrelation(request.headers, () => {
        setImmediate(() => response.end(currentCorrelation()?.correlationId));
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await use((server.address() as AddressInfo).port);
    await new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  },
  Express: async (use) => {
    const app = express();
    app.use((request, _response, next) => withRequestCorrelation(request.headers, next));
    app.get('/', async (_request, response) => {
      await new Promise((resolve) => setImmediate(resolve));
      response.send(currentCorrelation()?.correlationId);
    });
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    await use((server.address() as AddressInfo).port);
    await new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  },
  Fastify: async (use) => {
    const app = fastify();
    app.addHook('onRequest', (request, _reply, done) => withRequestCorrelation(request.headers, done));
    app.get('/', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return currentCorrelation()?.correlationId;
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    await use((app.server.address() as AddressInfo).port);
    app.server.closeAllConnections();
    await app.close();
  },
  Hono: async (use) => {
    const app = new Hono();
    app.use((context, next) => withRequestCorrelation(context.req.raw.headers, next));
    app.get('/', async (context) => {
      await new Promise((resolve) => setImmediate(resolve));
      return context.text(currentCorrelation()?.correlationId ?? '');
    });
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
    await new Promise((resolve) => server.once('listening', resolve));
    await use((server.address() as AddressInfo).port);
    await new Promise(
      (resolve) => (server.close(resolve), (server as ReturnType<typeof createServer>).closeAllConnections()),
    );
  },
};

describe.each(Object.keys(frameworks))('requests that %s serves at once', (name) => {
  it('are each handled under the id that they bring', async () => {
    await frameworks[name]!(async (port) => {
      const ids = Array.from({ length: 20 }, (_, n) => `req-${n}`);
      const answers = await Promise.all(
        ids.map(async (id) => (await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-request-id': id } })).text()),
      );
      expect(answers).toEqual(ids);
    });
  });
});

describe('an outgoing request', () => {
  it('carries the id and the trace on, through resilientFetch too, and keeps headers of its own', async () => {
    const sent: Record<string, string>[] = [];
    const send = async (_input: unknown, init?: RequestInit): Promise<Response> => {
      sent.push(Object.fromEntries(new Headers(init?.headers)));
      return new Response('ok');
    };
    const fetch = resilientFetch(pipeline(), { fetch: correlatedFetch(send) });
    await withRequestCorrelation({ 'x-request-id': 'req-7', traceparent }, async () => {
      await fetch('http://localhost/');
      await fetch('http://localhost/', { headers: { 'X-Request-ID': 'own', accept: 'text/plain' } });
    });
    await correlatedFetch(send)('http://localhost/', { headers: { a: 'b' } });
    expect(sent[0]).toMatchObject({ 'x-request-id': 'req-7', traceparent: expect.stringContaining(TRACE) });
    expect(sent[1]).toMatchObject({ 'x-request-id': 'own', accept: 'text/plain' });
    expect(sent[2]).toEqual({ a: 'b' });
  });

  it('keeps the headers of a Request', async () => {
    let seen: Headers | undefined;
    const send = async (_input: unknown, init?: RequestInit): Promise<Response> => {
      seen = new Headers(init?.headers);
      return new Response('ok');
    };
    const request = new Request('http://localhost/', { headers: { accept: 'text/plain' } });
    await withCorrelation('a', () => correlatedFetch(send)(request));
    expect([seen?.get('accept'), seen?.get('x-request-id')]).toEqual(['text/plain', 'a']);
  });
});
