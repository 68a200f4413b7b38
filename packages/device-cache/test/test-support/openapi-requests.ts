/** Random requests after an OpenAPI document: most follow it, some nearly do, some do not at all. */
import fc from 'fast-check';
import { nastyBody, nastyPart, nastyText, nastyTypes } from './hostile.ts';

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

/** One operation, as far as it is looked at. */
export interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}

/** An OpenAPI document, as far as it is looked at. */
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** A request as it is sent. */
export interface RandomRequest {
  readonly path: string;
  readonly body: string | Uint8Array | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** Devices of which some are there. */
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('d1', 'd2', 'station_1', 'P') },
  { weight: 1, arbitrary: nastyText },
  { weight: 1, arbitrary: fc.string({ maxLength: 20, unit: 'binary' }) },
);
const part = fc.oneof({ weight: 3, arbitrary: name.map(encodeURIComponent) }, { weight: 1, arbitrary: nastyPart });
const junk = fc.oneof(fc.jsonValue({ maxDepth: 3 }), nastyText);

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

const json = { 'content-type': 'application/json' };

type Body = Pick<RandomRequest, 'body' | 'headers'>;

function bodyFor({ requestBody }: Operation): fc.Arbitrary<Body> {
  const schema = requestBody?.content['application/json']?.schema;
  if (schema === undefined) return fc.constant({ body: undefined, headers: {} });
  const proper = near(schema).map((value) => JSON.stringify(value));
  return fc.oneof(
    { weight: 6, arbitrary: proper.map((body): Body => ({ body, headers: json })) },
    { weight: 2, arbitrary: nastyBody.map((body): Body => ({ body, headers: json })) },
    { weight: 1, arbitrary: fc.record({ body: fc.oneof(proper, nastyBody), headers: nastyTypes }) },
  );
}

const headers = fc.record(
  {
    'if-none-match': fc.constantFrom('*', 'W/"x"', '"', ',', 'x'.repeat(5_000)),
    'last-event-id': fc.constantFrom('x', '0-0', '1-1', '9'.repeat(150), 'x'.repeat(300), '-', '1-1-1'),
    'idempotency-key': fc.constantFrom('k1', 'k2', 'x'.repeat(201), 'a b', ''),
    'x-request-id': fc.constantFrom('abc', '{}', 'x'.repeat(500)),
    accept: fc.constantFrom('*/*', 'text/html', 'nonsense'),
    'accept-encoding': fc.constantFrom('identity', 'br;q=0', 'nonsense', 'gzip;q=0, *;q=0'),
  },
  { requiredKeys: [] },
);

/** Requests for one operation. */
export function requestsFor(path: string, operation: Operation): fc.Arbitrary<RandomRequest> {
  const queries = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
  const query = fc.record(Object.fromEntries(queries.map(({ name: key, schema }) => [key, near(schema)])), {
    requiredKeys: [],
  });
  return fc.record({ id: part, query, body: bodyFor(operation), headers }).map((made) => {
    const search = new URLSearchParams(Object.entries(made.query).map(([key, value]) => [key, String(value)]));
    return {
      path: `${path.replace('{id}', made.id)}?${search}`,
      body: made.body.body,
      headers: { ...made.headers, ...made.body.headers },
    };
  });
}
