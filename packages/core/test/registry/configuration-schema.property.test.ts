/** Random configurations, made from the schema itself: schema and registry say the same of each, where a schema can tell. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ConfigurationError } from 'breakwater';
import { configurationSchema, type JsonSchema, pipelineRegistry } from 'breakwater/registry';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { propertyRuns } from '../../src/testing/test-support/property-runs.ts';

const schema = configurationSchema();
const validate = new Ajv2020({ strict: true }).compile(schema);

/** What a schema can say of a value, as far as that of the configuration does. */
interface Said {
  readonly $ref?: string;
  readonly anyOf?: readonly Said[];
  readonly enum?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly items?: Said;
  readonly properties?: Readonly<Record<string, Said>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Said;
}

const budgets = { a: 'retryBudget', b: 'tokenBudget', c: { retryBudget: { maxRatio: 0.5 } } };
const names = Object.keys(budgets);
/** What some option takes, and what none does. */
const astray = fc.constantFrom<unknown>(
  ...[null, true, false, 0, -1, 0.5, 2 ** 53, 1e21, '', '5', '5s', ' 5s ', '0ms', '0.0s', '1.5h', 'soon'],
  ...['never', 'on-failure', 'retryBudget', [], ['a'], {}, { surplus: 1 }],
);
/** None is too long for anything: a pattern can't tell. */
const texts = fc.constantFrom('0ms', '0s', '1ms', '250ms', '1.5s', ' 5m', '1h', '400d');

function numbers({ minimum, exclusiveMinimum, maximum = 1_000 }: Said): fc.Arbitrary<number> {
  const least = minimum ?? exclusiveMinimum ?? 0;
  return fc.constantFrom(least, least + 1, least + 0.5, least - 1, maximum, Math.min(maximum, least + 20), maximum * 2);
}

function objects(said: Said): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = said;
  const inside = Object.entries(properties).map(
    ([name, of]) =>
      [name, fc.option(valuesOf(of), { freq: required.includes(name) ? 40 : 1, nil: undefined })] as const,
  );
  const others =
    typeof additionalProperties === 'object'
      ? names.map((name) => [name, valuesOf(additionalProperties)] as const)
      : [];
  const all = fc.record(Object.fromEntries([...inside, ...others]));
  return all.map((made) => Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)));
}

function right(said: Said): fc.Arbitrary<unknown> {
  if (said.$ref !== undefined)
    return valuesOf((schema['$defs'] as Record<string, Said>)[said.$ref.split('/').at(-1)!]!);
  if (said.anyOf !== undefined && said.properties === undefined) return fc.oneof(...said.anyOf.map(valuesOf));
  if (said.enum !== undefined) return fc.constantFrom(...said.enum);
  const kinds = [said.type ?? 'any'].flat();
  return fc.oneof(...kinds.map((type) => ofType(type, said)));
}

function ofType(type: string, said: Said): fc.Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return numbers(said);
    case 'string':
      return said.pattern === undefined ? fc.constantFrom(...names) : texts;
    case 'array':
      return fc.array(valuesOf(said.items!), { maxLength: 3 });
    case 'object':
      return objects(said);
    default:
      return fc.jsonValue();
  }
}

function valuesOf(said: Said): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: right(said), weight: 40 }, { arbitrary: astray, weight: 1 });
}

/** Where the faults of the registry stand; undefined when it takes the configuration. */
function faultsOf(configuration: unknown): readonly string[] | undefined {
  try {
    pipelineRegistry(configuration);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults.map(({ path }) => path);
    throw error;
  }
}

/** What depends on another value, or on what stands elsewhere: a schema knows nothing of that. */
const RELATIVE =
  /\.(?:use|budget|burst|limit|slowCallRatio|minMs|initialLimit|maxLimit|failures|failureRatio|low|normal|high|critical)$/;

const { policy, preset } = schema['$defs'] as { readonly policy: Said; readonly preset: Said };
const configurations = fc.oneof(
  valuesOf(policy).map((one): JsonSchema => ({ budgets, pipelines: { stock: { policies: [one] } } })),
  valuesOf(preset).map((stock): JsonSchema => ({ budgets, pipelines: { stock } })),
  valuesOf((schema['properties'] as { readonly budgets: Said }).budgets).map((some): JsonSchema => ({ budgets: some })),
);

it('schema and registry take and refuse the same configurations, but for what depends on two values', () => {
  const seen = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(configurations, (configuration) => {
      const faults = faultsOf(configuration);
      seen[faults === undefined ? 'taken' : 'refused']++;
      if (validate(configuration)) expect(faults?.filter((path) => !RELATIVE.test(path)) ?? []).toEqual([]);
      else expect(faults).toBeDefined();
    }),
    propertyRuns(2_000),
  );
  expect(seen.taken).toBeGreaterThan(100);
  expect(seen.refused).toBeGreaterThan(100);
});
