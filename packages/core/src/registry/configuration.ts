/**
 * What a configuration says, read into plain data that can be compared.
 *
 * ```yaml
 * budgets:                      # that several retries and hedges share, by name
 *   warehouse: retryBudget
 * shared:                       # policies that several pipelines use, by name
 *   stock-breaker: { circuitBreaker: { failureRatio: 0.5 } }
 * pipelines:
 *   stock:                      # a preset, with changes in its places
 *     preset: httpClient
 *     circuitBreaker: { use: stock-breaker }
 *     bulkhead: false
 *   prices:                     # or a row of policies, the outermost first
 *     policies:
 *       - timeout: 5s
 *       - retry: { maxAttempts: 4, backoff: { exponential: { initialMs: 100ms } } }
 *       - use: stock-breaker
 * ```
 */
import { presetDefinitions, type PresetName } from '../presets/definitions.ts';
import { type PresetPlace, presetPlaces } from '../presets/preset-policies.ts';
import { orNull } from './composite-fields.ts';
import { Faults } from './faults.ts';
import { isObject, type JsonSchema } from './fields.ts';
import { budgetField, type BudgetSpec } from './budgets.ts';
import { isPolicyKind, type PolicyKindName, policyKinds, placeKinds } from './policy-kinds.ts';

/** A policy that is to be made, or one that has a name. */
export type PolicySpec =
  | { readonly use: string }
  | { readonly kind: PolicyKindName; /** Plain data. */ readonly options: object };

/** A pipeline that is to be made. */
export type PipelineSpec =
  | { readonly preset: PresetName; readonly places: Readonly<Partial<Record<PresetPlace, PolicySpec | false>>> }
  | { readonly policies: readonly (PolicySpec | undefined)[] };

/** A configuration that has been read. What had a fault is undefined: it has been told. */
export interface RegistrySpec {
  readonly budgets: ReadonlyMap<string, BudgetSpec | undefined>;
  readonly shared: ReadonlyMap<string, PolicySpec | undefined>;
  readonly pipelines: ReadonlyMap<string, PipelineSpec>;
}

/** What stands at the top of a configuration, and what it is for. */
const sections = {
  budgets: 'Budgets that several retries and hedges share, by name.',
  shared: 'Policies that several pipelines use, by name.',
  pipelines: 'Pipelines by name.',
} as const;

const entriesOf = (given: unknown): readonly [string, unknown][] => Object.entries(isObject(given) ? given : {});

/** Reads a configuration; what is wrong with it goes into `faults`. */
export function readConfiguration(given: unknown, faults: Faults): RegistrySpec {
  const spec = {
    budgets: new Map<string, BudgetSpec | undefined>(),
    shared: new Map<string, PolicySpec | undefined>(),
    pipelines: new Map<string, PipelineSpec>(),
  };
  if (!isObject(given)) {
    faults.add('configuration', 'an object with pipelines', given);
    return spec;
  }
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(sections, key)) faults.addUnknown(key, key, Object.keys(sections), 'an unknown key');
    else if (value !== null && value !== undefined && !isObject(value)) faults.add(key, 'an object', value);
  }
  for (const [name, value] of entriesOf(given['budgets'])) {
    spec.budgets.set(name, budgetField.read(value, `budgets.${name}`, faults));
  }
  for (const [name, value] of entriesOf(given['shared'])) {
    const policy = readPolicy(value, `shared.${name}`, faults);
    const isUse = policy !== undefined && 'use' in policy;
    if (isUse) faults.add(`shared.${name}`, 'a policy of its own', `use: ${policy.use}`);
    spec.shared.set(name, isUse ? undefined : policy);
  }
  for (const [name, value] of entriesOf(given['pipelines'])) {
    const pipeline = readPipeline(value, `pipelines.${name}`, faults);
    if (pipeline !== undefined) spec.pipelines.set(name, pipeline);
  }
  return spec;
}

function readPipeline(value: unknown, path: string, faults: Faults): PipelineSpec | undefined {
  if (!isObject(value)) return faults.add(path, 'an object with preset or policies', value);
  if ('preset' in value === 'policies' in value) {
    return faults.add(path, 'either preset or policies', 'preset' in value ? 'both' : 'neither');
  }
  return 'preset' in value ? readPreset(value, path, faults) : readRow(value, path, faults);
}

function readRow(value: Readonly<Record<string, unknown>>, path: string, faults: Faults): PipelineSpec {
  for (const key of Object.keys(value)) {
    if (key !== 'policies') faults.addUnknown(`${path}.${key}`, key, ['policies'], 'an unknown key beside policies');
  }
  const { policies } = value;
  if (!Array.isArray(policies)) {
    faults.add(`${path}.policies`, 'a list of policies', policies);
    return { policies: [] };
  }
  return {
    policies: policies.map((entry: unknown, index) => readPolicy(entry, `${path}.policies[${index}]`, faults)),
  };
}

function readPreset(value: Readonly<Record<string, unknown>>, path: string, faults: Faults): PipelineSpec | undefined {
  const { preset, ...changes } = value;
  const places: Partial<Record<PresetPlace, PolicySpec | false>> = {};
  for (const [place, change] of Object.entries(changes)) {
    if (!isPlace(place)) faults.addUnknown(`${path}.${place}`, place, presetPlaces, 'an unknown place of a preset');
    else if (change !== null && change !== undefined) {
      const policy = readPlace(place, change, `${path}.${place}`, faults);
      if (policy !== undefined) places[place] = policy;
    }
  }
  const names = Object.keys(presetDefinitions);
  if (typeof preset !== 'string') return faults.add(`${path}.preset`, `one of ${names.join(', ')}`, preset);
  if (!isPreset(preset)) return faults.addUnknown(`${path}.preset`, preset, names, `'${preset}'`);
  return { preset, places };
}

function readPlace(place: PresetPlace, value: unknown, path: string, faults: Faults): PolicySpec | false | undefined {
  if (value === false) return false;
  if (isObject(value) && 'use' in value) return readUse(value, path, faults);
  const kind = placeKinds[place];
  const options = policyKinds[kind].change.read(value, path, faults);
  return options === undefined ? undefined : { kind, options };
}

function readPolicy(value: unknown, path: string, faults: Faults): PolicySpec | undefined {
  if (isObject(value) && 'use' in value) return readUse(value, path, faults);
  const names = Object.keys(policyKinds);
  const entries = typeof value === 'string' ? [[value, null] as const] : isObject(value) ? Object.entries(value) : [];
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    return faults.add(path, `a policy: an object with one key of ${names.join(', ')}, or use`, value);
  }
  const [kind, given] = entry;
  if (!isPolicyKind(kind)) return faults.addUnknown(`${path}.${kind}`, kind, [...names, 'use'], 'an unknown policy');
  const options = policyKinds[kind].field.read(given, `${path}.${kind}`, faults);
  return options === undefined ? undefined : { kind, options };
}

function readUse(value: Readonly<Record<string, unknown>>, path: string, faults: Faults): PolicySpec | undefined {
  const { use, ...rest } = value;
  for (const key of Object.keys(rest)) faults.addUnknown(`${path}.${key}`, key, ['use'], 'an unknown key beside use');
  return typeof use === 'string' ? { use } : faults.add(`${path}.use`, 'the name of a shared policy', use);
}

function isPreset(name: string): name is PresetName {
  return Object.hasOwn(presetDefinitions, name);
}

function isPlace(name: string): name is PresetPlace {
  return (presetPlaces as readonly string[]).includes(name);
}

/** The JSON Schema (draft 2020-12) of a configuration: for editors, and for checks before a file is deployed. */
export function configurationSchema(): JsonSchema {
  const use = {
    type: 'object',
    properties: { use: { description: 'The name of a shared policy.', type: 'string', minLength: 1 } },
    required: ['use'],
    additionalProperties: false,
  };
  const kinds = Object.entries(policyKinds);
  const bare = kinds.filter(([, { needsOptions }]) => !needsOptions).map(([name]) => name);
  const made = {
    anyOf: [
      { enum: bare },
      ...kinds.map(([name, { field, needsOptions }]) => ({
        type: 'object',
        properties: { [name]: needsOptions ? field.schema : orNull(field.schema) },
        required: [name],
        additionalProperties: false,
      })),
    ],
  };
  const places = Object.fromEntries(
    presetPlaces.map((place) => [
      place,
      { anyOf: [policyKinds[placeKinds[place]].change.schema, use, { enum: [false, null] }] },
    ]),
  );
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Pipelines of Breakwater',
    type: 'object',
    properties: {
      budgets: section('budgets', budgetField.schema),
      shared: section('shared', { $ref: '#/$defs/policy' }),
      pipelines: section('pipelines', { anyOf: [{ $ref: '#/$defs/preset' }, { $ref: '#/$defs/row' }] }),
    },
    additionalProperties: false,
    $defs: {
      policy: made,
      preset: {
        description: 'A preset, with changes in its places.',
        type: 'object',
        properties: { preset: { enum: Object.keys(presetDefinitions) }, ...places },
        required: ['preset'],
        additionalProperties: false,
        not: { anyOf: withoutFallback.map(fallbackIn) },
      },
      row: {
        description: 'A row of policies, the outermost first.',
        type: 'object',
        properties: { policies: { type: 'array', items: { anyOf: [{ $ref: '#/$defs/policy' }, use] } } },
        required: ['policies'],
        additionalProperties: false,
      },
    },
  };
}

const withoutFallback = Object.entries(presetDefinitions)
  .filter(([, { takesFallback }]) => !takesFallback)
  .map(([name]) => name);

/** Matches where this preset is given a fallback. */
function fallbackIn(preset: string): JsonSchema {
  return {
    properties: { preset: { const: preset }, fallback: { not: { enum: [false, null] } } },
    required: ['preset', 'fallback'],
  };
}

function section(name: keyof typeof sections, inside: JsonSchema): JsonSchema {
  return { description: sections[name], type: ['object', 'null'], additionalProperties: inside };
}
