/** The HTTP API of the service on its embedded store, as clients see it. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reading } from '../../src/store/test-support/readings.ts';
import { RunningService } from '../test-support/running-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'device-api-'));
const deadLetterFile = join(folder, 'dead.jsonl');
let api: RunningService;
beforeAll(async () => {
  api = await RunningService.start({ api: { rateLimit: 100_000 }, messages: { deadLetterFile } });
});
afterAll(async () => {
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

const problem = (status: number, code: string): object => ({
  status,
  headers: expect.anything(),
  body: expect.objectContaining({
    status,
    code,
    title: expect.any(String) as unknown,
    request_id: expect.any(String) as unknown,
  }) as unknown,
});

describe('readings', () => {
  it('are put by HTTP and read back', async () => {
    const message = reading('station_123');
    const put = await api.ask('POST', '/v1/readings', { json: message });
    expect(put).toMatchObject({ status: 200, body: { stored: 1, outdated: 0, rejected: [] } });
    const got = await api.ask('GET', '/v1/devices/station_123');
    expect(got).toMatchObject({ status: 200, body: { id: 'station_123', readings: [message], readingCount: 1 } });
  });

  it('are told apart: stored, outdated, and rejected with their place', async () => {
    const list = [reading('mixed'), { nonsense: true }, reading('mixed'), reading('mixed', { index: '' })];
    const { status, body } = await api.ask('POST', '/v1/readings', { json: list });
    expect(status).toBe(200);
    expect(body).toMatchObject({ stored: 1, outdated: 1, rejected: [{ position: 1 }, { position: 3 }] });
  });

  it('that are bad lie in the dead letters with reason and bytes', async () => {
    await api.ask('POST', '/v1/readings', { json: { device_id: 'buried' } });
    const lines = readFileSync(deadLetterFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Letter);
    const letter = lines.find(({ bytes }) => Buffer.from(bytes, 'base64').toString() === '{"device_id":"buried"}');
    expect(letter).toMatchObject({
      source: 'http',
      position: 0,
      reason: expect.stringContaining('request_id') as unknown,
    });
  });

  it('that are bad lie in the dead letters as they were sent, also where they came in a list', async () => {
    const odd = '{"device_id" : "odd-1",\t"n": 1.0, "t": "\\u00fc, ]"}';
    await api.ask('POST', '/v1/readings', { raw: ` [ ${JSON.stringify(reading('even'))} ,\n ${odd} ]` });
    await api.ask('POST', '/v1/readings', { raw: odd.replace('odd-1', 'odd-2') });
    const sent = readFileSync(deadLetterFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => Buffer.from((JSON.parse(line) as Letter).bytes, 'base64').toString());
    expect(sent).toContain(odd);
    expect(sent).toContain(odd.replace('odd-1', 'odd-2'));
  });

  it('are seen at once by who reads, also where a copy was at hand', async () => {
    for (let at = 1; at <= 5; at++) {
      const timestamp = new Date(Date.UTC(2026, 0, 1) + at).toISOString();
      await api.ask('POST', '/v1/readings', { json: reading('hot', { timestamp, values: [at] }) });
      const { body } = await api.ask('GET', '/v1/devices/hot');
      expect(body).toMatchObject({ readings: [{ values: [at] }] });
    }
  });

  it('are filtered by category and index', async () => {
    await api.ask('POST', '/v1/readings', { json: [reading('r1'), reading('r1', { index: 'U', metadata: null })] });
    const all = await api.ask('GET', '/v1/devices/r1/readings');
    expect(all.body).toMatchObject({ deviceId: 'r1', readings: [{ index: 'T' }, { index: 'U' }] });
    const some = await api.ask('GET', '/v1/devices/r1/readings?category=uncategorised');
    expect(some.body).toMatchObject({ readings: [{ index: 'U' }] });
    expect((await api.ask('GET', '/v1/devices/r1/readings?index=X')).body).toMatchObject({ readings: [] });
  });

  it('of a request that is sent again with its key are not taken again, and answered as before', async () => {
    const headers = { 'idempotency-key': 'key-1' };
    const ask = () => api.ask('POST', '/v1/readings', { json: reading('once'), headers });
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers[0].body).toMatchObject({ stored: 1 });
    for (const { body } of answers) expect(body).toEqual(answers[0].body);
    const other = await api.ask('POST', '/v1/readings', { json: reading('other'), headers });
    expect(other).toMatchObject(problem(409, 'IDEMPOTENCY_CONFLICT'));
  });

  it.each([
    ['an empty list', []],
    ['more than a thousand', Array.from({ length: 1_001 }, () => ({}))],
    ['a text', 'reading'],
    ['null', null],
  ])('%s is refused', async (_, json) => {
    expect(await api.ask('POST', '/v1/readings', { json })).toMatchObject(problem(400, 'INVALID_REQUEST'));
  });
});

interface Letter {
  readonly bytes: string;
}

describe('devices', () => {
  it('are made, replaced and deleted', async () => {
    const path = '/v1/devices/own-1';
    expect(await api.ask('PUT', path, { json: { metadata: { name: 'North' } } })).toMatchObject({ status: 201 });
    expect(await api.ask('PUT', path, { json: { metadata: { name: 'South' } } })).toMatchObject({
      status: 200,
      body: { metadata: { name: 'South' } },
    });
    expect(await api.ask('DELETE', path)).toMatchObject({ status: 204, text: '' });
    expect(await api.ask('DELETE', path)).toMatchObject(problem(404, 'DEVICE_NOT_FOUND'));
    expect(await api.ask('GET', path)).toMatchObject(problem(404, 'DEVICE_NOT_FOUND'));
  });

  it('are put and asked for many at a time, each once', async () => {
    const devices = [1, 2, 3].map((at) => ({ id: `many-${at}`, metadata: { at } }));
    expect(await api.ask('PUT', '/v1/devices', { json: { devices } })).toMatchObject({ status: 200 });
    const ids = ['many-3', 'nobody', 'many-1', 'many-3'];
    const { body } = await api.ask('POST', '/v1/devices/batch', { json: { ids } });
    expect(body).toMatchObject({ devices: [{ id: 'many-3' }, { id: 'many-1' }], missing: ['nobody'] });
  });

  it('are listed page by page with a cursor, which belongs to its order', async () => {
    const devices = Array.from({ length: 25 }, (_, at) => ({
      id: `page-${String(at).padStart(2, '0')}`,
      metadata: {},
    }));
    await api.ask('PUT', '/v1/devices', { json: { devices } });
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body } = await api.ask('GET', `/v1/devices?pattern=page-*&limit=10&sort=-id${query}`);
      const page = body as { devices: { id: string }[]; nextCursor: string | null };
      seen.push(...page.devices.map(({ id }) => id));
      if (cursor === '') {
        const wrong = await api.ask('GET', `/v1/devices?sort=id&cursor=${page.nextCursor}`);
        expect(wrong).toMatchObject(problem(400, 'INVALID_REQUEST'));
      }
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(devices.map(({ id }) => id).toReversed());
  });

  it.each([
    ['limit=0', 'query.limit'],
    ['limit=1001', 'query.limit'],
    ['limit=ten', 'query.limit'],
    ['limit=1e2', 'query.limit'],
    ['offset=true', 'query.offset'],
    ['offset=', 'query.offset'],
    ['offset=0x1', 'query.offset'],
    ['offset=%201', 'query.offset'],
    ['limit=1&limit=2', 'query.limit'],
    ['sort=name', 'query.sort'],
    ['pattern=a%2Fb', 'query.pattern'],
    ['unknown=1', 'query.unknown'],
    ['updatedSince=2025-02-30T00:00:00Z', 'query.updatedSince'],
    ['cursor=bm9uZQ', 'query.cursor'],
    ['cursor=abc&offset=1', 'query.offset'],
  ])('are not listed for %s', async (query, path) => {
    const { status, body } = await api.ask('GET', `/v1/devices?${query}`);
    expect(status).toBe(400);
    expect((body as { faults: { path: string }[] }).faults.map((fault) => fault.path)).toContain(path);
  });

  it('carry a tag, and are not sent to who has them', async () => {
    await api.ask('PUT', '/v1/devices/tagged', { json: { metadata: { a: 1 } } });
    const first = await api.ask('GET', '/v1/devices/tagged');
    const tag = first.headers.get('etag')!;
    for (const known of [tag, `"x", ${tag}`, '*', tag.slice(2)]) {
      const again = await api.ask('GET', '/v1/devices/tagged', { headers: { 'if-none-match': known } });
      expect(again).toMatchObject({ status: 304, text: '' });
      expect(again.headers.get('etag')).toBe(tag);
    }
    await api.ask('PUT', '/v1/devices/tagged', { json: { metadata: { a: 2 } } });
    const changed = await api.ask('GET', '/v1/devices/tagged', { headers: { 'if-none-match': tag } });
    expect(changed.status).toBe(200);
    expect((await api.ask('GET', '/v1/devices?pattern=tagged')).headers.get('etag')).toMatch(/^W\//);
  });

  it('are compressed for who takes that, and not for who does not', async () => {
    await api.ask('PUT', '/v1/devices/large', { json: { metadata: { text: 'x'.repeat(5_000) } } });
    const plain = await api.ask('GET', '/v1/devices/large', { headers: { 'accept-encoding': 'identity' } });
    const packed = await api.ask('GET', '/v1/devices/large', { headers: { 'accept-encoding': 'gzip' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(packed.body).toEqual(plain.body);
    expect([plain.headers.get('vary'), packed.headers.get('vary')]).toEqual(['accept-encoding', 'accept-encoding']);
  });

  it('are compressed anew when they have changed', async () => {
    const headers = { 'accept-encoding': 'br' };
    for (const letter of ['x', 'y']) {
      const text = letter.repeat(5_000);
      await api.ask('PUT', '/v1/devices/large', { json: { metadata: { text } } });
      for (let n = 0; n < 2; n++) {
        const answer = await api.ask('GET', '/v1/devices/large', { headers });
        expect(answer.headers.get('content-encoding')).toBe('br');
        expect(answer.body).toMatchObject({ metadata: { text } });
      }
    }
  });

  it('are compressed as lists, batches and the description of the service too', async () => {
    const ids = Array.from({ length: 50 }, (_, n) => `many_${n}`);
    await api.ask('PUT', '/v1/devices', { json: { devices: ids.map((id) => ({ id, metadata: {} })) } });
    for (const [method, path, json] of [
      ['GET', '/v1/devices'],
      ['POST', '/v1/devices/batch', { ids }],
      ['GET', '/v1/openapi.json'],
    ] as const) {
      const answer = await api.ask(method, path, { json, headers: { 'accept-encoding': 'gzip' } });
      expect([path, answer.status, answer.headers.get('content-encoding')]).toEqual([path, 200, 'gzip']);
      expect(answer.body).toBeTypeOf('object');
    }
  });
});

describe('what is hostile', () => {
  it.each([
    ['a path that climbs', '..%2F..%2Fetc%2Fpasswd'],
    ['NUL', 'a%00b'],
    ['ten thousand characters', 'a'.repeat(10_000)],
    ['letters of other scripts', encodeURIComponent('станция')],
    ['broken percent signs', '%E0%A4%A'],
    ['a line break', 'a%0d%0ab'],
  ])('as an id is refused with a problem: %s', async (_, id) => {
    const answer = await api.ask('GET', `/v1/devices/${id}`);
    expect(answer).toMatchObject(problem(400, 'INVALID_REQUEST'));
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it.each<[string, string | Uint8Array<ArrayBuffer>, string]>([
    ['depth', `{"metadata":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`, 'nested'],
    ['__proto__', '{"metadata":{"__proto__":{"isAdmin":true}}}', 'not allowed'],
    ['Infinity', '{"metadata":{"a":1e999}}', 'too large'],
    ['numbers that would be rounded', '{"metadata":{"a":99999999999999999999}}', 'rounded'],
    ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d), 'UTF-8'],
    ['half of JSON', '{"metadata":', 'JSON'],
    ['nothing', '', 'JSON'],
  ])('as a body is refused with a problem: %s', async (_, raw, reason) => {
    const { status, body } = await api.ask('PUT', '/v1/devices/hostile', { raw });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'INVALID_REQUEST', detail: expect.stringContaining(reason) as unknown });
  });

  it('as a type, an encoding or a size of a body is refused with a problem', async () => {
    const path = '/v1/devices/hostile';
    const text = await api.ask('PUT', path, { raw: '{}', headers: { 'content-type': 'text/plain' } });
    expect(text).toMatchObject(problem(415, 'UNSUPPORTED_MEDIA_TYPE'));
    const latin = await api.ask('PUT', path, {
      raw: '{}',
      headers: { 'content-type': 'application/json; charset=latin1' },
    });
    expect(latin).toMatchObject(problem(415, 'UNSUPPORTED_MEDIA_TYPE'));
    const packed = await api.ask('PUT', path, { raw: '{}', headers: { 'content-encoding': 'gzip' } });
    expect(packed).toMatchObject(problem(415, 'UNSUPPORTED_MEDIA_TYPE'));
    const large = await api.ask('PUT', path, { json: { metadata: { a: 'x'.repeat(1_048_576) } } });
    expect(large).toMatchObject(problem(413, 'BODY_TOO_LARGE'));
  });

  it('as HTTP itself is answered with a problem', async () => {
    const told = await new Promise<string>((resolve) => {
      const { hostname, port } = new URL(api.url);
      const socket = connect(Number(port), hostname, () => socket.end('THIS IS NOT HTTP\r\n\r\n'));
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      socket.on('close', () => resolve(text));
    });
    expect(told).toMatch(/^HTTP\/1.1 400/);
    expect(told).toContain('"code":"INVALID_REQUEST"');
  });

  it('as a request id is replaced, and a proper one is kept', async () => {
    const kept = await api.ask('GET', '/livez', { headers: { 'x-request-id': 'abc-123' } });
    expect(kept.headers.get('x-request-id')).toBe('abc-123');
    const replaced = await api.ask('GET', '/livez', { headers: { 'x-request-id': 'a b"c' } });
    expect(replaced.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
  });

  it('tells nothing of the inside: no stack, no path of a file', async () => {
    for (const path of ['/v1/devices/%00', '/nowhere', '/v1/devices?cursor=x']) {
      expect((await api.ask('GET', path)).text).not.toMatch(/node_modules|\.ts:|\n *at /);
    }
  });
});

describe('addresses', () => {
  it('that nobody knows are not found, and known ones say which methods they know', async () => {
    expect(await api.ask('GET', '/v2/devices')).toMatchObject(problem(404, 'NOT_FOUND'));
    const patch = await api.ask('PATCH', '/v1/devices/a', { json: {} });
    expect(patch).toMatchObject(problem(405, 'METHOD_NOT_ALLOWED'));
    expect(patch.headers.get('allow')).toBe('GET, HEAD, PUT, DELETE');
  });

  it('that fit two routes say the methods of both', async () => {
    // `batch` may be a device as well.
    const { headers } = await api.ask('OPTIONS', '/v1/devices/batch');
    expect(headers.get('allow')?.split(', ').toSorted()).toEqual(['DELETE', 'GET', 'HEAD', 'POST', 'PUT']);
  });

  it.each([
    ['QUERY', '/v1/devices/a', {}, 405, 'METHOD_NOT_ALLOWED'],
    ['POST', '/v1/devices/a', { raw: 'nonsense' }, 405, 'METHOD_NOT_ALLOWED'],
    ['POST', '/nowhere', { raw: 'nonsense' }, 404, 'NOT_FOUND'],
    ['PUT', '/nowhere', { raw: '{}', headers: { 'content-type': 'text/csv' } }, 404, 'NOT_FOUND'],
  ] as const)('say first that they do not know a request, not what is wrong with it: %s %s', async (...row) => {
    const [method, path, options, status, code] = row;
    expect(await api.ask(method, path, options)).toMatchObject(problem(status, code));
  });

  it('have no CORS unless it is configured', async () => {
    const { headers } = await api.ask('GET', '/livez', { headers: { origin: 'https://elsewhere.example' } });
    expect(headers.get('access-control-allow-origin')).toBeNull();
    const open = await RunningService.start({ api: { corsOrigins: ['https://ours.example'] } });
    const ours = await open.ask('GET', '/livez', { headers: { origin: 'https://ours.example' } });
    expect(ours.headers.get('access-control-allow-origin')).toBe('https://ours.example');
    const others = await open.ask('GET', '/livez', { headers: { origin: 'https://elsewhere.example' } });
    expect(others.headers.get('access-control-allow-origin')).toBeNull();
    await open.stop();
  });

  it('are described by a valid OpenAPI 3.1 document, and shown on a page', async () => {
    const { body } = await api.ask('GET', '/v1/openapi.json');
    const document = body as { openapi: string; paths: Record<string, Record<string, unknown>> };
    expect(document.openapi).toBe('3.1.0');
    const result = await new Validator().validate(structuredClone(document));
    expect(result.errors).toBeUndefined();
    expect(Object.keys(document.paths).toSorted()).toEqual([
      '/livez',
      '/metrics',
      '/readyz',
      '/v1/cache/info',
      '/v1/devices',
      '/v1/devices/batch',
      '/v1/devices/{id}',
      '/v1/devices/{id}/readings',
      '/v1/health',
      '/v1/readings',
      '/v1/stream',
    ]);
    expect((await api.ask('GET', '/docs/')).text).toContain('<!DOCTYPE html>');
  });
});

describe('the state', () => {
  it('is told: info, health and readiness', async () => {
    expect((await api.ask('GET', '/v1/cache/info')).body).toMatchObject({
      store: 'sqlite',
      devices: expect.any(Number) as unknown,
    });
    expect(await api.ask('GET', '/v1/health')).toMatchObject({ status: 200, body: { status: 'healthy', causes: [] } });
    expect(await api.ask('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
    expect(await api.ask('GET', '/livez')).toMatchObject({ status: 200 });
  });
});
