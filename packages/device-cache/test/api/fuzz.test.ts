/** Random requests after the OpenAPI document: whatever is asked, the answer is one that the document knows, and no fault of the service. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { propertyRuns } from '../../../core/src/testing/test-support/property-runs.ts';
import { reading } from '../../src/store/test-support/readings.ts';
import { RunningService } from '../test-support/running-service.ts';

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly pattern?: string;
}

interface Media {
  readonly schema: Schema;
}

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Texts that break things. */
const nasty = fc.constantFrom(
  '',
  ' ',
  '..',
  '../..',
  '\u0000',
  '%',
  '*',
  '?',
  "' OR 1=1 --",
  '{{7*7}}',
  '<b>',
  '-1',
  '1e9',
  'null',
  'a'.repeat(300),
  'ñ',
  '💥',
  '\u202e',
);
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('d1', 'd2', 'station_1', 'P') },
  { weight: 1, arbitrary: nasty },
  fc.string({ maxLength: 20 }),
);
const junk = fc.oneof(fc.jsonValue({ maxDepth: 3 }), nasty);

/** A value that mostly follows a schema. */
function near(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 9, arbitrary: after(schema) }, { weight: 1, arbitrary: junk });
}

function after(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(near));
  if (schema.pattern?.includes('\\d{4}-\\d{2}-\\d{2}') === true) {
    return fc
      .date({ min: new Date(0), max: new Date('2027-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString());
  }
  switch (schema.type) {
    case 'integer':
      return fc.integer({ min: (schema.minimum ?? 0) - 1, max: Math.min(schema.maximum ?? 10, 2_000) + 1 });
    case 'number':
      return fc.double();
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(near(schema.items ?? {}), { maxLength: 5 });
    case 'object':
      return object(schema);
    case 'string':
      return name;
    default:
      return junk;
  }
}

function object({ properties = {}, required = [] }: Schema): fc.Arbitrary<object> {
  const model = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, near(value)]));
  return fc.record(model, { requiredKeys: Object.keys(model).filter((key) => required.includes(key)) });
}

interface Fuzzed {
  readonly path: string;
  readonly body: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

function requestFor(path: string, { parameters = [], requestBody }: Operation): fc.Arbitrary<Fuzzed> {
  const queries = parameters.filter((parameter) => parameter.in === 'query');
  const query = fc.record(Object.fromEntries(queries.map(({ name: key, schema }) => [key, near(schema)])), {
    requiredKeys: [],
  });
  const schema = requestBody?.content['application/json']?.schema;
  const text =
    schema === undefined
      ? fc.constant(undefined)
      : fc.oneof(
          { weight: 6, arbitrary: near(schema).map((value) => JSON.stringify(value)) },
          { weight: 1, arbitrary: fc.string() },
        );
  const headers = fc.record(
    {
      'if-none-match': fc.constantFrom('*', 'W/"x"', '"', ','),
      'last-event-id': fc.constantFrom('x', '0-0', '1-1', '9'.repeat(150)),
      'idempotency-key': fc.constantFrom('k1', 'k2', 'x'.repeat(201)),
      authorization: fc.constantFrom('Bearer', 'Bearer x', 'Basic Og=='),
      'x-request-id': fc.constantFrom('abc', '{}', 'x'.repeat(500)),
      accept: fc.constantFrom('*/*', 'text/html', 'nonsense'),
      'accept-encoding': fc.constantFrom('gzip', 'br;q=0', 'nonsense', '*'),
    },
    { requiredKeys: [] },
  );
  return fc.record({ id: name, query, body: text, headers }).map((made) => {
    const search = new URLSearchParams(Object.entries(made.query).map(([key, value]) => [key, String(value)]));
    return {
      path: `${path.replace('{id}', encodeURIComponent(made.id))}?${search}`,
      body: made.body,
      headers: made.headers,
    };
  });
}

interface Answered {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function send(url: string, method: string, { path, body, headers }: Fuzzed): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const plain = {
      ...headers,
      'accept-encoding':
        headers['accept-encoding'] === 'gzip' ? 'identity' : (headers['accept-encoding'] ?? 'identity'),
    };
    const asked = httpRequest(`${url}${path}`, { method, headers: { ...plain, ...type } }, (response) => {
      const contentType = response.headers['content-type'] ?? '';
      const finish = (text: string): void => resolve({ status: response.statusCode ?? 0, type: contentType, text });
      // A stream never ends by itself: that it began is enough.
      if (contentType.startsWith('text/event-stream')) {
        finish('');
        response.destroy();
        return;
      }
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => finish(text));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

describe('the OpenAPI document', () => {
  let api: RunningService;
  let document: Document;
  const ajv = new Ajv2020({ strict: false });
  beforeAll(async () => {
    api = await RunningService.start({ api: { rateLimit: 1_000_000, maxStreams: 10_000 } });
    for (const id of ['d1', 'd2']) await api.ask('POST', '/v1/readings', { json: reading(id) });
    document = (await api.ask('GET', '/v1/openapi.json')).body as Document;
  });
  afterAll(() => api.stop());

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

  it('has no operation that is not tried here', () => {
    const all = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(all.toSorted()).toEqual(operations.map(([method, path]) => `${method} ${path}`).toSorted());
  });

  it.each(operations)('knows every answer to %s %s', { timeout: 300_000 }, async (method, path) => {
    const operation = document.paths[path]![method]!;
    const property = fc.asyncProperty(requestFor(path, operation), async (fuzzed) => {
      const { status, type, text } = await send(api.url, method.toUpperCase(), fuzzed);
      expect(status, text).toBeLessThan(500);
      const known = operation.responses[String(status)];
      expect(known, `${status} is not in the document: ${text}`).toBeDefined();
      if (text === '' || known!.content === undefined) return;
      const media = Object.entries(known!.content).find(([mediaType]) => type.startsWith(mediaType));
      expect(media, `${type} is not in the document for ${status}`).toBeDefined();
      if (!type.includes('json')) return;
      const isValid = ajv.validate(media![1].schema as object, JSON.parse(text));
      expect(isValid, `${text}: ${ajv.errorsText()}`).toBe(true);
    });
    await fc.assert(property, propertyRuns(60));
  });
});
