/** From what a configuration says to policies: those that say the same as before stay the same, with all they know. */
import type { RetryBudget } from '../gates/budget.ts';
import { collectFaults, faultsBelow } from '../options/fault-paths.ts';
import { describe } from '../options/resolve.ts';
import type { Policy } from '../policy/policy.ts';
import { presetDefinitions } from '../presets/definitions.ts';
import { type PresetOptions, presetPlaces, presetPolicies } from '../presets/preset-policies.ts';
import { makeBudget } from './budgets.ts';
import type { PipelineSpec, PolicySpec, RegistrySpec } from './configuration.ts';
import type { Faults } from './faults.ts';
import type { Chosen, Tools } from './policy-kind.ts';
import { isBreaker, placeKinds, policyKinds } from './policy-kinds.ts';

/** A policy, and what it was made of. */
export interface Made {
  /** What tells it from the others of its pipeline: its place in a preset, or its name and which of that name it is. */
  readonly id: string;
  /** Equal for configurations that mean the same. */
  readonly said: string;
  readonly policy: Policy;
  /** The policy whose place it takes, where that said something else. */
  readonly after?: Policy | undefined;
  /** What the policy of each key is made of, where it is a keyed one: as `said`. */
  readonly ofKeys?: string | undefined;
  /** Whether that is the same as in `after`. */
  readonly keepsKeys?: boolean | undefined;
}

interface MadeBudget {
  readonly said: string;
  readonly budget: RetryBudget;
}

/** All that a configuration has been made into, by name; the policies of a pipeline from the outermost inward. */
export interface Built {
  readonly budgets: ReadonlyMap<string, MadeBudget>;
  readonly shared: ReadonlyMap<string, Made>;
  readonly pipelines: ReadonlyMap<string, readonly Made[]>;
}

/** Nothing has been built yet. */
export const nothing: Built = { budgets: new Map(), shared: new Map(), pipelines: new Map() };

type Had = ReadonlyMap<string, Made>;

/** Builds a configuration in place of another. Nothing of what is in use is changed. */
export class Builder implements Tools {
  private readonly spec: RegistrySpec;
  private readonly before: Built;
  /** Policies that code gives by name. */
  private readonly given: Readonly<Record<string, Policy>>;
  private readonly faults: Faults;
  private readonly budgets: Map<string, MadeBudget> = new Map();
  private readonly shared: Map<string, Made> = new Map();

  constructor(spec: RegistrySpec, before: Built, given: Readonly<Record<string, Policy>>, faults: Faults) {
    this.spec = spec;
    this.before = before;
    this.given = given;
    this.faults = faults;
  }

  build(): Built {
    for (const [name, budget] of this.spec.budgets) {
      if (budget === undefined) continue;
      const said = canonical(budget);
      const had = this.before.budgets.get(name);
      const made = had?.said === said ? had.budget : this.attempt(`budgets.${name}`, () => makeBudget(budget));
      if (made !== undefined) this.budgets.set(name, { said, budget: made });
    }
    for (const [name, policy] of this.spec.shared) {
      if (policy === undefined) continue;
      if (Object.hasOwn(this.given, name)) {
        this.faults.add(`shared.${name}`, 'a name that no policy given in code has', name);
        continue;
      }
      const made = this.make(policy, name, `shared.${name}`, this.before.shared.get(name));
      if (made !== undefined) this.shared.set(name, made);
    }
    const pipelines = new Map<string, readonly Made[]>();
    for (const [name, pipeline] of this.spec.pipelines) {
      const before = this.before.pipelines.get(name) ?? [];
      const had = new Map(before.map((made) => [made.id, made]));
      const path = `pipelines.${name}`;
      const made = 'preset' in pipeline ? this.preset(pipeline, path, had) : this.row(pipeline, path, had);
      pipelines.set(name, this.withOnlyBreaker(made, before));
    }
    return { budgets: this.budgets, shared: this.shared, pipelines };
  }

  /** The only breaker of a pipeline follows the only one before it, wherever either is written and whatever its name. */
  private withOnlyBreaker(made: readonly Made[], before: readonly Made[]): readonly Made[] {
    const [earlier, ...others] = before.filter(({ policy }) => isBreaker(policy));
    const [breaker, ...more] = made.filter(({ policy }) => isBreaker(policy));
    if (earlier === undefined || breaker === undefined || others.length + more.length > 0) return made;
    if (breaker.after !== undefined || !this.isNew(breaker.policy)) return made;
    return made.map((each) => (each === breaker ? { ...each, after: earlier.policy } : each));
  }

  /** Whether nobody has used this policy, and it follows none that somebody has. */
  private isNew(asked: Policy): boolean {
    const used = [...this.before.shared.values(), ...[...this.before.pipelines.values()].flat()];
    const following = [...this.shared.values()].filter(({ after }) => after !== undefined);
    return (
      ![...used, ...following].some(({ policy }) => policy === asked) && !Object.values(this.given).includes(asked)
    );
  }

  budget(name: string): RetryBudget | undefined {
    return this.budgets.get(name)?.budget;
  }

  private row(
    { policies }: Extract<PipelineSpec, { readonly policies: unknown }>,
    path: string,
    had: Had,
  ): readonly Made[] {
    const seen = new Map<string, number>();
    return policies.flatMap((spec, position) => {
      const at = `${path}.policies[${position}]`;
      if (spec === undefined) return [];
      if ('use' in spec) return this.used(spec.use, `use ${spec.use}`, at) ?? [];
      const name = (spec.options as { readonly name?: string }).name ?? spec.kind;
      const count = (seen.get(name) ?? 0) + 1;
      seen.set(name, count);
      const id = `${name} ${count}`;
      return this.make(spec, id, `${at}.${spec.kind}`, had.get(id)) ?? [];
    });
  }

  private preset(spec: Extract<PipelineSpec, { readonly preset: unknown }>, path: string, had: Had): readonly Made[] {
    const changes: Partial<Record<string, unknown>> = {};
    const said = new Map<string, string>();
    for (const place of presetPlaces) {
      const change = spec.places[place];
      const same = had.get(place);
      said.set(place, canonical([spec.preset, place, this.withBudget(change)]));
      if (change === false) changes[place] = false;
      else if (change !== undefined && 'use' in change)
        changes[place] = this.used(change.use, place, `${path}.${place}`)?.policy;
      else if (same !== undefined && same.said === said.get(place)) changes[place] = same.policy;
      else if (change !== undefined) changes[place] = this.change(change, placeKinds[place], `${path}.${place}`);
    }
    const options = changes as PresetOptions<unknown>;
    const placed = this.attempt(path, () => presetPolicies('preset', presetDefinitions[spec.preset], options)) ?? [];
    return placed.map(({ place, policy }) => ({
      id: place,
      said: said.get(place)!,
      policy,
      after: had.get(place)?.policy,
    }));
  }

  /** What is laid over the options of a preset. A limit has none there: it is made of what is said here alone. */
  private change(spec: PolicySpec, kind: keyof typeof policyKinds, path: string): object | undefined {
    if ('use' in spec || !this.knowsBudget(spec.options, path)) return undefined;
    const { [kind]: of } = policyKinds;
    return this.attempt(path, () =>
      kind === 'rateLimit' ? of.make(spec.options, this) : of.optionsOf(spec.options, this),
    );
  }

  private make(spec: PolicySpec, id: string, path: string, had: Made | undefined): Made | undefined {
    if ('use' in spec || !this.knowsBudget(spec.options, path)) return undefined;
    const said = canonical([spec.kind, this.withBudget(spec)]);
    // It has taken the state of the one before it already.
    if (had?.said === said) return { ...had, after: undefined };
    const policy = this.attempt(path, () => policyKinds[spec.kind].make(spec.options, this));
    if (policy === undefined) return undefined;
    const { policy: inside } = spec.options as { readonly policy?: Chosen };
    const ofKeys = inside === undefined ? undefined : canonical(this.withBudget(inside as PolicySpec));
    return { id, said, policy, after: had?.policy, ofKeys, keepsKeys: ofKeys !== undefined && ofKeys === had?.ofKeys };
  }

  private used(name: string, id: string, path: string): Made | undefined {
    const policy = this.shared.get(name)?.policy ?? (Object.hasOwn(this.given, name) ? this.given[name] : undefined);
    if (policy !== undefined) return { id, said: name, policy };
    // One that has a fault of its own has been told already.
    if (this.spec.shared.has(name)) return undefined;
    const known = [...this.spec.shared.keys(), ...Object.keys(this.given)];
    return this.faults.addUnknown(`${path}.use`, name, known, describe(name));
  }

  private knowsBudget(options: object, path: string): boolean {
    const named = budgetIn(options);
    if (named === undefined || this.spec.budgets.has(named.budget)) return true;
    this.faults.addUnknown(
      `${path}.${named.path}`,
      named.budget,
      [...this.spec.budgets.keys()],
      describe(named.budget),
    );
    return false;
  }

  /** A policy says something else when its budget does. */
  private withBudget(spec: PolicySpec | false | undefined): unknown {
    if (spec === undefined || spec === false || 'use' in spec) return spec ?? null;
    const named = budgetIn(spec.options);
    return named === undefined ? spec : [spec, this.budgets.get(named.budget)?.said];
  }

  /** What `make` makes; undefined where it finds fault itself. */
  private attempt<T>(path: string, make: () => T): T | undefined {
    return collectFaults(this.faults.found, () => faultsBelow(path, make));
  }
}

/** The budget that a policy names, or that of each key of a keyed one, and where. */
function budgetIn(options: object): { readonly budget: string; readonly path: string } | undefined {
  const { budget, policy } = options as { readonly budget?: string; readonly policy?: Chosen };
  if (budget !== undefined) return { budget, path: 'budget' };
  const inside = policy === undefined ? undefined : budgetIn(policy.options as object);
  return inside && { ...inside, path: `policy.${policy!.kind}.${inside.path}` };
}

/** JSON with the keys in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
