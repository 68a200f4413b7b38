/** One device is answered before the framework takes the request up: nobody may see a difference. */
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reading } from '../../src/store/test-support/readings.ts';
import { type Answer, RunningService } from '../test-support/running-service.ts';

const READ = 'read-token-0123456789';
const WRITE = 'write-token-0123456789';
const tokens = [
  { name: 'reader', scopes: ['read'], token: READ },
  { name: 'writer', scopes: ['write'], token: WRITE },
];

let api: RunningService;
afterEach(() => api.stop());

/** What must be the same, whoever answers: all but what counts requests, names them or tells the time. */
function compared({ status, headers, text }: Answer): object {
  const rest = [...headers].filter(([name]) => !['x-request-id', 'ratelimit', 'date'].includes(name));
  const own = /"(?:request_id|timestamp)":"[^"]*"/g;
  return { status, text: status < 400 ? text : text.replaceAll(own, ''), headers: Object.fromEntries(rest) };
}

/** With a query that nobody reads, the framework answers. */
async function bothWays(path: string, headers: Record<string, string> = {}): Promise<[Answer, Answer]> {
  return [await api.ask('GET', path, { headers }), await api.ask('GET', `${path}?unread=1`, { headers })];
}

describe('a device that is asked for', () => {
  beforeEach(async () => {
    api = await RunningService.start({ api: { tokens } });
    const headers = { authorization: `Bearer ${WRITE}` };
    await api.ask('POST', '/v1/readings', { json: reading('small', { values: ['żółć'] }), headers });
    await api.ask('PUT', '/v1/devices/large', { json: { metadata: { text: 'x'.repeat(5_000) } }, headers });
  });

  it.each([
    ['small', {}],
    ['small', { 'if-none-match': '*' }],
    ['small', { 'if-none-match': '"other"' }],
    ['small', { 'accept-encoding': 'gzip' }],
    ['large', { 'accept-encoding': 'identity' }],
    ['large', { 'accept-encoding': 'br' }],
    ['large', { 'accept-encoding': 'deflate;q=0.5, gzip;q=0.4' }],
    ['large', { 'accept-encoding': 'br;q=0' }],
    ['large', { 'accept-encoding': 'gzip', 'if-none-match': '*' }],
    ['missing', {}],
    ['.bad', {}],
  ])('is the same from either way, at hand or not: %s with %j', async (id, headers) => {
    const authorization = `Bearer ${READ}`;
    const [cold, framework] = await bothWays(`/v1/devices/${id}`, { authorization, ...headers });
    const warm = await api.ask('GET', `/v1/devices/${id}`, { headers: { authorization, ...headers } });
    expect(compared(cold)).toEqual(compared(framework));
    expect(compared(warm)).toEqual(compared(framework));
    for (const name of ['x-request-id', 'ratelimit', 'ratelimit-policy']) expect(warm.headers.get(name)).not.toBeNull();
  });

  it.each([
    ['no token', {}],
    ['an unknown token', { authorization: 'Bearer nobody-knows-this-one' }],
    ['a token that may not read', { authorization: `Bearer ${WRITE}` }],
  ])('is refused from either way with %s', async (_, headers) => {
    const [direct, framework] = await bothWays('/v1/devices/small', headers);
    expect(direct.status).toBeGreaterThanOrEqual(401);
    expect(compared(direct)).toEqual(compared(framework));
  });

  it('keeps the id that a request has brought', async () => {
    const headers = { authorization: `Bearer ${READ}`, 'x-request-id': 'abc-123' };
    expect((await api.ask('GET', '/v1/devices/small', { headers })).headers.get('x-request-id')).toBe('abc-123');
  });

  it('is counted in the metrics, from either way', async () => {
    const authorization = `Bearer ${READ}`;
    await bothWays('/v1/devices/small', { authorization });
    await bothWays('/v1/devices/small', { authorization, 'if-none-match': '*' });
    await bothWays('/v1/devices/missing', { authorization });
    const { text } = await api.ask('GET', '/metrics', { headers: { authorization } });
    for (const status of [200, 304, 404]) {
      const series = `http_requests_total{method="GET",route="/v1/devices/:id",status="${status}"} 2`;
      expect(text).toContain(series);
    }
  });
});

describe('a request that is handed over to the framework', () => {
  it('has been counted once, and is refused when there were too many', async () => {
    api = await RunningService.start({ api: { rateLimit: 4 } });
    await api.ask('PUT', '/v1/devices/large', { json: { metadata: { text: 'x'.repeat(5_000) } } });
    const left = async (id: string): Promise<string | null> =>
      (await api.ask('GET', `/v1/devices/${id}`, { headers: { 'accept-encoding': 'gzip' } })).headers.get('ratelimit');
    expect(await left('missing')).toMatch(/r=2;/);
    expect(await left('large')).toMatch(/r=1;/);
    expect(await left('large')).toMatch(/r=0;/);
    const refused = await api.ask('GET', '/v1/devices/large');
    expect(refused.body).toMatchObject({ code: 'RATE_LIMITED', status: 429 });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('has what browsers of other origins are told, and the address that a proxy tells', async () => {
    api = await RunningService.start({
      api: { corsOrigins: ['https://shop.example'], rateLimit: 1, trustProxy: true },
    });
    const ask = (origin: string, address: string, path = '/v1/devices/missing'): Promise<Answer> =>
      api.ask('GET', path, { headers: { origin, 'x-forwarded-for': address } });
    const described = await ask('https://shop.example', '192.0.2.3', '/v1/openapi.json');
    expect(described.headers.get('vary')?.toLowerCase().split(', ')).toEqual(['origin', 'accept-encoding']);
    const first = await ask('https://shop.example', '192.0.2.1');
    expect(first.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect((await ask('https://shop.example', '192.0.2.2')).status).toBe(404);
    expect((await ask('https://shop.example', '192.0.2.1')).status).toBe(429);
  });

  it('is counted by the address that a proxy tells', async () => {
    api = await RunningService.start({ api: { rateLimit: 1, trustProxy: true } });
    const ask = (address: string): Promise<Answer> =>
      api.ask('GET', '/v1/devices/missing', { headers: { 'x-forwarded-for': address } });
    expect([(await ask('192.0.2.1')).status, (await ask('192.0.2.2')).status]).toEqual([404, 404]);
    expect((await ask('192.0.2.1')).status).toBe(429);
  });
});

describe('a request that claims a type for a body that it does not have', () => {
  it.each([
    ['PUT', '/v1/devices/a', 400],
    ['POST', '/v1/readings', 400],
    ['DELETE', '/v1/devices/a', 404],
    ['POST', '/v1/nothing', 404],
  ])('is answered: %s %s', async (method, path, status) => {
    api = await RunningService.start();
    const head = `${method} ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n\r\n`;
    expect(await answerTo(head)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  /** What the service says to bytes on a socket, until it closes it. */
  function answerTo(bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let said = '';
      const socket = connect(Number(new URL(api.url).port), '127.0.0.1', () => socket.write(bytes));
      socket.on('data', (chunk) => (said += chunk.toString()));
      socket.on('close', () => resolve(said));
      socket.on('error', reject);
    });
  }
});
