import { Console } from 'node:console';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { circuitBreaker, constant, retry } from 'breakwater';
import { createCache } from 'breakwater/cache';
import { logContext, withCorrelation, withLogContext, withRequestCorrelation } from 'breakwater/correlation';
import { errorHeaders, problemDetails } from 'breakwater/errors';
import { resilientFetch } from 'breakwater/http';
import { pipelineRegistry } from 'breakwater/registry';
import { rateLimiter } from 'breakwater/rate-limit';
import {
  alertRules,
  callHealth,
  createLogger,
  healthChecks,
  logEvents,
  logOperation,
  performanceMonitor,
  statusPage,
} from 'breakwater/telemetry';
import express from 'express';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import winston from 'winston';

const SECRET = 'sk-live-Zx81kqPw0TtRr55';

function kept() {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}

describe('a secret in headers, URL, body, error, key and context', () => {
  it('appears in no log, in no health report and nowhere on the status page', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(500, { 'x-api-key': SECRET, 'set-cookie': `session=${SECRET}` });
      response.end(JSON.stringify({ error: `no such token: ${SECRET}`, token: SECRET }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;

    const breaker = circuitBreaker({ minThroughput: 4 });
    const registry = pipelineRegistry(
      { pipelines: { api: { policies: [{ use: 'retry' }, { use: 'breaker' }] } } },
      {
        policies: {
          breaker,
          retry: retry({ maxAttempts: 2, backoff: constant(0), retryIf: () => true, maxRetryAfterMs: 0 }),
        },
      },
    );
    const api = registry.get('api');
    const outputs = ['json', 'terminal', 'pino', 'winston', 'console'].map((name) => ({ name, ...kept() }));
    const [json, terminal, ofPino, ofWinston, ofConsole] = outputs;
    const write = (to: typeof json) => (line: string) => void to!.stream.write(`${line}\n`);
    const common = { level: 'debug', context: logContext, stacks: true } as const;
    const loggers = [
      createLogger({ ...common, write: write(json) }),
      createLogger({ ...common, format: 'terminal', write: write(terminal) }),
      createLogger({ ...common, port: pino({ level: 'debug' }, ofPino!.stream) }),
      createLogger({
        ...common,
        port: winston.createLogger({
          level: 'debug',
          transports: [new winston.transports.Stream({ stream: ofWinston!.stream })],
        }),
      }),
      createLogger({ ...common, port: new Console(ofConsole!.stream) }),
    ];
    const stops = loggers.map((logger) => logEvents(api, logger, { level: 'debug' }));

    const cache = createCache<string>({ namespace: 'users' });
    const monitor = performanceMonitor();
    const lately = callHealth(api);
    const health = healthChecks({
      foreignMessages: true,
      checks: {
        api: lately.check(),
        upstream: () =>
          Promise.reject(Object.assign(new Error(`token=${SECRET}`), { headers: { authorization: SECRET } })),
      },
    });
    const alerts = alertRules({
      rules: {
        errors: {
          measure: () => lately.measure().errorRatio,
          above: 0.1,
          forMs: 0,
          summary: `see https://u:${SECRET}@host/`,
        },
      },
    });
    const page = statusPage(registry, { caches: { users: cache }, monitor, health, alerts });

    const fetch = resilientFetch(api);
    const headers = { authorization: `Bearer ${SECRET}`, 'x-api-key': SECRET, cookie: `sid=${SECRET}` };
    const url = `http://127.0.0.1:${port}/v1/users?api_key=${SECRET}&token=${SECRET}`;
    const work = async (): Promise<void> => {
      await fetch(url, { headers, method: 'POST', body: JSON.stringify({ password: SECRET }) }).catch(
        (error: unknown) => {
          for (const logger of loggers) logger.error(`request to ${url} failed`, { error, headers, url });
        },
      );
      const fail = (): never => {
        throw Object.assign(new Error(`refused ${SECRET}`, { cause: new Error(`cookie: ${SECRET}`) }), {
          config: { headers },
        });
      };
      await api.tryExecute(fail, { key: SECRET });
      for (const logger of loggers) {
        try {
          logOperation('charge', fail, { logger, fields: { card: '4111 1111 1111 1111', password: SECRET } });
        } catch {
          // That it fails is the point; what matters is what was written of it.
        }
      }
      await cache.getOrLoad(SECRET, () => SECRET);
      alerts.evaluate();
    };
    await withRequestCorrelation({ 'x-request-id': 'req-1', authorization: SECRET }, () =>
      withLogContext({ session: SECRET, password: SECRET, user: { token: SECRET } }, work),
    );
    await withCorrelation(SECRET, work);

    const ask = async (format: string): Promise<string> => {
      const response = await page.fetch(new Request(`http://host/?format=${format}`));
      if (format !== 'events') return response.text();
      const reader = response.body!.getReader();
      const { value } = await reader.read();
      await reader.cancel();
      return new TextDecoder().decode(value);
    };
    const report = JSON.stringify(await health.check());
    const shown = await Promise.all(['html', 'text', 'json', 'events'].map(ask));

    for (const stop of stops) stop();
    page.close();
    health.close();
    lately.stop();
    await cache.close();
    await registry.close();
    await new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));

    for (const { name, text } of outputs) {
      expect(text().length, name).toBeGreaterThan(1_000);
      expect(text(), name).toContain('[redacted]');
      expect(text(), name).not.toContain(SECRET);
      expect(text(), name).not.toContain('4111 1111');
    }
    for (const output of [report, ...shown]) expect(output).not.toContain(SECRET);
  });
});

describe('an error inside middleware', () => {
  it('that is a limiter’s refusal is answered with 429 and when to come again, without a stack', async () => {
    const limiter = rateLimiter({ limit: 1, periodMs: 60_000 });
    const app = express();
    app.use(async (_request, response, next) => {
      try {
        await limiter.acquire('client', { maxWaitMs: 0 });
        next();
      } catch (error) {
        const problem = problemDetails(error);
        response.writeHead(problem.status, errorHeaders(error));
        response.end(JSON.stringify(problem));
      }
    });
    app.get('/', (_request, response) => response.send('served'));
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    expect((await fetch(url)).status).toBe(200);
    const refused = await fetch(url);
    const body = await refused.text();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60']);
    expect(body).not.toMatch(/ at .*:\d+/);
    await new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  });
});
