/** Random requests after the OpenAPI document: whatever is asked, the answer is one that the document knows, and no fault of the service. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { propertyRuns } from '../../../core/src/testing/test-support/property-runs.ts';
import { reading } from '../../src/store/test-support/readings.ts';
import { nastyAuthorization, nastyPart } from '../test-support/hostile.ts';
import { type Document, type Operation, requestsFor } from '../test-support/openapi-requests.ts';
import { type RawAnswer, sendRaw } from '../test-support/raw-request.ts';
import { RunningService } from '../test-support/running-service.ts';

const TOKEN = 'a-token-of-the-fuzzer-01';
const READ_TOKEN = 'a-token-that-reads-only-02';
/** Low, so that a body that is too large is still quickly made. */
const limits = { rateLimit: 1_000_000, maxStreams: 10_000, bodyLimitBytes: 65_536 };
const tokens = [
  { name: 'fuzzer', scopes: ['read', 'write'], token: TOKEN },
  { name: 'reader', scopes: ['read'], token: READ_TOKEN },
];

describe('the OpenAPI document', () => {
  let open: RunningService;
  let closed: RunningService;
  let document: Document;
  const ajv = new Ajv2020({ strict: false });
  beforeAll(async () => {
    open = await RunningService.start({ api: limits });
    closed = await RunningService.start({ api: { ...limits, tokens } });
    const headers = { authorization: `Bearer ${TOKEN}` };
    for (const id of ['d1', 'd2'])
      for (const service of [open, closed]) await service.ask('POST', '/v1/readings', { json: reading(id), headers });
    document = (await open.ask('GET', '/v1/openapi.json')).body as Document;
  });
  afterAll(async () => {
    await open.stop();
    await closed.stop();
  });

  const operations = [
    ['get', '/v1/devices'],
    ['put', '/v1/devices'],
    ['get', '/v1/devices/{id}'],
    ['put', '/v1/devices/{id}'],
    ['delete', '/v1/devices/{id}'],
    ['get', '/v1/devices/{id}/readings'],
    ['post', '/v1/devices/batch'],
    ['post', '/v1/readings'],
    ['get', '/v1/cache/info'],
    ['get', '/v1/stream'],
    ['get', '/v1/health'],
    ['get', '/livez'],
    ['get', '/readyz'],
    ['get', '/metrics'],
  ] as const;
  const probes = ['/livez', '/readyz'];

  function checkDocumented({ responses }: Operation, { status, type, text }: RawAnswer): void {
    expect(status, text).toBeLessThan(500);
    const known = responses[String(status)];
    expect(known, `${status} is not in the document: ${text}`).toBeDefined();
    if (text === '' || known!.content === undefined) return;
    const media = Object.entries(known!.content).find(([mediaType]) => type.startsWith(mediaType));
    expect(media, `${type} is not in the document for ${status}`).toBeDefined();
    if (!type.includes('json')) return;
    const isValid = ajv.validate(media![1].schema as object, JSON.parse(text));
    expect(isValid, `${text}: ${ajv.errorsText()}`).toBe(true);
  }

  it('has no operation that is not tried here', () => {
    const all = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(all.toSorted()).toEqual(operations.map(([method, path]) => `${method} ${path}`).toSorted());
  });

  it.each(operations)('knows every answer to %s %s', { timeout: 300_000 }, async (method, path) => {
    const operation = document.paths[path]![method]!;
    const property = fc.asyncProperty(requestsFor(path, operation), async (request) => {
      checkDocumented(operation, await sendRaw(open.url, method.toUpperCase(), request));
    });
    await fc.assert(property, propertyRuns(100));
  });

  it.each(operations)('lets nobody in without a token: %s %s', { timeout: 300_000 }, async (method, path) => {
    const operation = document.paths[path]![method]!;
    const requests = fc.tuple(requestsFor(path, operation), fc.option(nastyAuthorization(TOKEN)));
    const property = fc.asyncProperty(requests, async ([request, authorization]) => {
      const headers = { ...request.headers, ...(authorization === null ? {} : { authorization }) };
      const answer = await sendRaw(closed.url, method.toUpperCase(), { ...request, headers });
      checkDocumented(operation, answer);
      // What is not even an address is refused before anybody is asked who he is.
      const refusals = probes.includes(path) ? [200] : [401, 400];
      expect(refusals).toContain(answer.status);
      if (answer.status === 401) expect(JSON.parse(answer.text)).toMatchObject({ code: 'UNAUTHENTICATED' });
    });
    await fc.assert(property, propertyRuns(60));
  });

  it.each(operations)('knows what a token may: %s %s', { timeout: 300_000 }, async (method, path) => {
    const operation = document.paths[path]![method]!;
    const isRead = method === 'get' || path.endsWith('/batch');
    const requests = fc.tuple(requestsFor(path, operation), fc.constantFrom(TOKEN, READ_TOKEN));
    const property = fc.asyncProperty(requests, async ([request, token]) => {
      const headers = { ...request.headers, authorization: `Bearer ${token}` };
      const answer = await sendRaw(closed.url, method.toUpperCase(), { ...request, headers });
      checkDocumented(operation, answer);
      expect(answer.status).not.toBe(401);
      if (isRead || token === TOKEN) expect(answer.status).not.toBe(403);
      else expect([400, 403]).toContain(answer.status);
    });
    await fc.assert(property, propertyRuns(40));
  });

  it(
    'is not left by methods and addresses that nobody knows: they get a problem, and never a fault',
    { timeout: 300_000 },
    async () => {
      const methods = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'QUERY', 'PROPFIND', 'TRACE');
      const addresses = fc.oneof(
        fc.constantFrom(...operations.map(([, path]) => path.replace('{id}', 'd1'))),
        fc
          .tuple(fc.constantFrom('/', '/v1/', '/v1/devices/d1/', '/v2/', '/docs/'), nastyPart)
          .map((parts) => parts.join('')),
        fc.constantFrom(
          '/v1/devices/../../etc/passwd',
          '//evil.example/v1',
          '/v1//devices',
          '/v1/devices/d1/../d2',
          '*',
        ),
      );
      const property = fc.asyncProperty(methods, addresses, async (method, path) => {
        const { status, type, text } = await sendRaw(open.url, method, { path, body: undefined, headers: {} });
        expect(status, text).toBeLessThan(500);
        if (status < 400) return;
        expect(type).toContain('application/problem+json');
        expect(JSON.parse(text)).toMatchObject({ status, code: expect.any(String) as unknown });
      });
      await fc.assert(property, propertyRuns(300));
    },
  );
});
