/** Who may do what, and how often. */
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/config/load-configuration.ts';
import { reading } from '../../src/store/test-support/readings.ts';
import { RunningService } from '../test-support/running-service.ts';

const READ = 'read-token-0123456789';
const WRITE = 'write-token-0123456789';
const tokens = [
  { name: 'reader', scopes: ['read'], token: READ },
  { name: 'writer', scopes: ['read', 'write'], token: WRITE },
];
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

let api: RunningService;
afterEach(() => api.stop());

describe('tokens', () => {
  it('decide what is allowed', async () => {
    api = await RunningService.start({ api: { tokens } });
    const put = (headers: Record<string, string>) => api.ask('POST', '/v1/readings', { json: reading('a'), headers });
    expect((await put({})).status).toBe(401);
    expect((await put(bearer(READ))).body).toMatchObject({ code: 'FORBIDDEN', status: 403 });
    expect((await put(bearer(WRITE))).status).toBe(200);
    expect((await api.ask('GET', '/v1/devices/a', { headers: bearer(READ) })).status).toBe(200);
    const batch = await api.ask('POST', '/v1/devices/batch', { json: { ids: ['a'] }, headers: bearer(READ) });
    expect(batch.status).toBe(200);
    expect((await api.ask('DELETE', '/v1/devices/a', { headers: bearer(READ) })).status).toBe(403);
  });

  it.each([
    ['no token', ''],
    ['another scheme', `Basic ${READ}`],
    ['an unknown token', 'Bearer nobody-knows-this-one'],
    ['a token and more', `Bearer ${READ} more`],
    ['the beginning of a token', `Bearer ${READ.slice(0, -1)}`],
    ['a token with something behind it', `Bearer ${READ}x`],
    ['a very long token', `Bearer ${'x'.repeat(5_000)}`],
    ['nothing behind the scheme', 'Bearer '],
  ])('are needed: %s is refused, with a challenge', async (_, authorization) => {
    api = await RunningService.start({ api: { tokens } });
    const answer = await api.ask('GET', '/v1/devices', { headers: authorization === '' ? {} : { authorization } });
    expect(answer.body).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.text).not.toContain(READ.slice(0, 10));
  });

  it('are not asked for by probes and by the description of the API', async () => {
    api = await RunningService.start({ api: { tokens } });
    for (const path of ['/livez', '/readyz', '/v1/openapi.json', '/docs/']) {
      expect((await api.ask('GET', path)).status).toBe(200);
    }
    for (const path of ['/metrics', '/v1/health', '/v1/stream', '/v1/cache/info']) {
      expect((await api.ask('GET', path)).status).toBe(401);
    }
  });

  it('change while the service runs', async () => {
    api = await RunningService.start({ api: { tokens } });
    const next = [{ name: 'reader', scopes: ['read'], token: 'another-token-0123456789' }];
    api.service.change(loadConfiguration({ file: { api: { tokens: next } } }).configuration);
    expect((await api.ask('GET', '/v1/devices', { headers: bearer(READ) })).status).toBe(401);
    expect((await api.ask('GET', '/v1/devices', { headers: bearer('another-token-0123456789') })).status).toBe(200);
  });
});

describe('the rate limit', () => {
  it('is told with every answer, and refuses what is too much with a moment to come back', async () => {
    api = await RunningService.start({ api: { rateLimit: 3, rateLimitPeriodMs: 60_000 } });
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await api.ask('GET', '/v1/devices'));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers[0]!.headers.get('ratelimit-policy')).toBe('"default";q=3;w=60');
    expect(answers[0]!.headers.get('ratelimit')).toMatch(/^"default";r=2;t=\d+$/);
    const refused = answers[3]!;
    expect(refused.body).toMatchObject({ code: 'RATE_LIMITED', status: 429 });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await api.ask('GET', '/livez')).status).toBe(200);
  });

  it('counts each token by itself', async () => {
    api = await RunningService.start({ api: { tokens, rateLimit: 2 } });
    const ask = (token: string) =>
      api.ask('GET', '/v1/devices', { headers: bearer(token) }).then(({ status }) => status);
    expect([await ask(READ), await ask(READ), await ask(READ), await ask(WRITE)]).toEqual([200, 200, 429, 200]);
  });

  it('changes while the service runs', async () => {
    api = await RunningService.start({ api: { rateLimit: 1 } });
    await api.ask('GET', '/v1/devices');
    expect((await api.ask('GET', '/v1/devices')).status).toBe(429);
    api.service.change(loadConfiguration({ file: { api: { rateLimit: 1_000 } } }).configuration);
    await expect.poll(() => api.ask('GET', '/v1/devices').then(({ status }) => status)).toBe(200);
  });
});
