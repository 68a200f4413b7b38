/**
 * Pipelines by name, from one object of options as a file would hold it, and changed while they are in use.
 *
 * An update is all or nothing. It reads the whole configuration, makes what is new, and only then puts it in place: calls
 * in flight end under the policies that they began with, later ones begin under the new. A policy that is said to be the
 * same stays the same object, so that an open breaker stays open and a limiter has not forgotten what was spent. The
 * pipelines themselves stay too: whoever holds one, or listens to it, notices nothing.
 */
import { ConfigurationError } from '../errors/configuration-error.ts';
import { collectFaults, faultsBelow } from '../options/fault-paths.ts';
import { resolveOptions } from '../options/resolve.ts';
import type { Rules } from '../options/rules.ts';
import type { PipelineEvents } from '../pipeline/events.ts';
import { pipeline, replacementOf } from '../pipeline/pipeline.ts';
import type { CloseOptions, Pipeline } from '../pipeline/pipeline-contract.ts';
import type { EventMap } from '../events/event.ts';
import { policyOptionRules, type PolicyOptions } from '../policy/policy-base.ts';
import type { Policy } from '../policy/policy.ts';
import { Builder, type Built, nothing } from './building.ts';
import { readConfiguration } from './configuration.ts';
import { Faults } from './faults.ts';
import { type PipelineStatus, statusOf } from './status.ts';
import { passOn, takeOver } from './succession.ts';

/** Options of a registry, beside its configuration. */
export interface RegistryOptions extends Pick<PolicyOptions, 'clock' | 'random'> {
  /** Policies that only code can make, by the name under which the configuration uses them. */
  readonly policies?: Readonly<Record<string, Policy>> | undefined;
}

/** What an update has done; names of pipelines. */
export interface RegistryUpdate {
  readonly added: readonly string[];
  /** With other policies than before. */
  readonly changed: readonly string[];
  /** They take no new calls. */
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
}

/** A pipeline of a registry. What its fallbacks add is not known to the compiler. */
export type RegisteredPipeline = Pipeline<PipelineEvents & EventMap>;

/** Pipelines by name; see {@link pipelineRegistry}. */
export interface PipelineRegistry {
  /** The names of its pipelines, as the configuration gives them. */
  readonly names: readonly string[];
  has(name: string): boolean;
  /**
   * The pipeline of this name; the same object through all updates, as long as the configuration has it.
   *
   * @throws ConfigurationError when there is none.
   */
  get(name: string): RegisteredPipeline;
  /**
   * Puts another configuration in place of the present one.
   *
   * @throws ConfigurationError with all faults and their paths; then nothing has changed.
   */
  update(configuration: unknown): RegistryUpdate;
  /** Every pipeline with its policies and their state: for a status page. */
  list(): readonly PipelineStatus[];
  /**
   * Takes no new calls, also in pipelines that a later update brings, and waits for those that run; resolves to how many
   * still ran when the time was up.
   */
  close(options?: CloseOptions): Promise<number>;
}

const rules: Rules<RegistryOptions> = Object.freeze({
  clock: policyOptionRules.clock,
  random: policyOptionRules.random,
  policies: {
    expected: 'an object with policies by name',
    accepts: (value: unknown): value is Readonly<Record<string, Policy>> =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((policy) => typeof policy === 'object' && policy !== null && 'kind' in policy),
  },
});

/**
 * Makes the pipelines of a configuration.
 *
 * @param configuration An object as it would come from YAML or JSON; its schema is {@link configurationSchema}.
 * @throws ConfigurationError with all faults and their paths.
 */
export function pipelineRegistry(configuration: unknown, options: RegistryOptions = {}): PipelineRegistry {
  return new Registry(configuration, options);
}

class Registry implements PipelineRegistry {
  private readonly options: RegistryOptions;
  private readonly pipelines: Map<string, RegisteredPipeline> = new Map();
  /** Pipelines that an update has taken out, as long as calls run in them. */
  private readonly leaving: Set<RegisteredPipeline> = new Set();
  private built: Built = nothing;
  private closed = false;

  constructor(configuration: unknown, given: RegistryOptions) {
    this.options = resolveOptions('registry', given, {}, rules);
    this.update(configuration);
  }

  get names(): readonly string[] {
    return [...this.pipelines.keys()];
  }

  has(name: string): boolean {
    return this.pipelines.has(name);
  }

  get(name: string): RegisteredPipeline {
    const found = this.pipelines.get(name);
    if (found !== undefined) return found;
    const faults = new Faults();
    faults.addUnknown('registry.get', name, this.names, `'${name}'`);
    throw new ConfigurationError(faults.found);
  }

  update(configuration: unknown): RegistryUpdate {
    const faults = new Faults();
    const spec = readConfiguration(configuration, faults);
    const built = new Builder(spec, this.built, this.options.policies ?? {}, faults).build();
    if (faults.found.length > 0) throw new ConfigurationError(faults.found);
    const coming = this.comingOf(built);
    const made = [...built.shared.values(), ...[...built.pipelines.values()].flat()];
    // From here on nothing can fail.
    for (const each of made) takeOver(each);
    for (const { put } of coming.values()) put();
    const gone = [...this.pipelines].filter(([name]) => !coming.has(name));
    for (const [, each] of gone) this.letGo(each);
    this.pipelines.clear();
    for (const [name, { pipeline: each }] of coming) this.pipelines.set(name, each);
    this.built = built;
    for (const each of made) passOn(each);
    if (this.closed) void this.close();
    const namesOf = (fate: Fate): string[] => [...coming].filter(([, one]) => one.fate === fate).map(([name]) => name);
    return {
      added: namesOf('added'),
      changed: namesOf('changed'),
      removed: gone.map(([name]) => name),
      unchanged: namesOf('unchanged'),
    };
  }

  list(): readonly PipelineStatus[] {
    return [...this.pipelines.values()].map(statusOf);
  }

  async close(options?: CloseOptions): Promise<number> {
    this.closed = true;
    const all = [...this.pipelines.values(), ...this.leaving];
    const left = await Promise.all(all.map((each) => each.close(options)));
    return left.reduce((sum, count) => sum + count, 0);
  }

  /**
   * What the update would put in place; nothing is changed yet.
   *
   * @throws ConfigurationError with the faults of all pipelines that can't be put together.
   */
  private comingOf({ pipelines }: Built): ReadonlyMap<string, Coming> {
    const { found } = new Faults();
    const coming = new Map<string, Coming>();
    for (const [name, made] of pipelines) {
      const make = (): Coming =>
        this.comes(
          name,
          made.map(({ policy }) => policy),
        );
      const one = collectFaults(found, () => faultsBelow(`pipelines.${name}`, make));
      if (one !== undefined) coming.set(name, one);
    }
    if (found.length === 0) return coming;
    for (const { fate, pipeline: each } of coming.values()) if (fate === 'added') void each.close();
    throw new ConfigurationError(found);
  }

  private comes(name: string, policies: readonly Policy[]): Coming {
    const present = this.pipelines.get(name);
    if (present === undefined) {
      const { clock, random } = this.options;
      return { fate: 'added', pipeline: pipeline({ name, clock, random }, ...policies), put: nothingToPut };
    }
    if (sameRow(present.policies, policies)) return { fate: 'unchanged', pipeline: present, put: nothingToPut };
    return { fate: 'changed', pipeline: present, put: replacementOf(present, policies) };
  }

  private letGo(gone: RegisteredPipeline): void {
    this.leaving.add(gone);
    void gone.close().then(() => this.leaving.delete(gone));
  }
}

type Fate = 'added' | 'changed' | 'unchanged';

/** A pipeline that an update is about to put in place. */
interface Coming {
  readonly fate: Fate;
  readonly pipeline: RegisteredPipeline;
  /** Gives it its new policies. */
  readonly put: () => void;
}

const nothingToPut = (): void => undefined;

function sameRow(one: readonly Policy[], other: readonly Policy[]): boolean {
  return one.length === other.length && one.every((policy, position) => policy === other[position]);
}
