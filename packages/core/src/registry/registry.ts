/**
 * Pipelines by name, from one object of options as a file would hold it, and changed while they are in use.
 *
 * An update is all or nothing. It reads the whole configuration, makes what is new, and only then puts it in place: calls
 * in flight end under the policies that they began with, later ones begin under the new. A policy that is said to be the
 * same stays the same object, so that an open breaker stays open and a limiter has not forgotten what was spent. The
 * pipelines themselves stay too: whoever holds one, or listens to it, notices nothing.
 */
import { ConfigurationError } from '../errors/configuration-error.ts';
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
  /** Takes no new calls and waits for those that run; resolves to how many still ran when the time was up. */
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
    const update = {
      added: [] as string[],
      changed: [] as string[],
      removed: [] as string[],
      unchanged: [] as string[],
    };
    const next = new Map<string, RegisteredPipeline>();
    const replacements: (() => void)[] = [];
    for (const [name, made] of built.pipelines) {
      const policies = made.map(({ policy }) => policy);
      const present = this.pipelines.get(name);
      const fate = present === undefined ? 'added' : sameRow(present.policies, policies) ? 'unchanged' : 'changed';
      update[fate].push(name);
      if (present !== undefined && fate === 'changed') replacements.push(replacementOf(present, policies));
      next.set(name, present ?? this.pipelineOf(name, policies));
    }
    const made = [...built.shared.values(), ...[...built.pipelines.values()].flat()];
    // From here on nothing can fail.
    for (const each of made) takeOver(each);
    for (const replace of replacements) replace();
    for (const [name, gone] of this.pipelines) {
      if (next.has(name)) continue;
      update.removed.push(name);
      this.letGo(gone);
    }
    this.pipelines.clear();
    for (const [name, present] of next) this.pipelines.set(name, present);
    this.built = built;
    for (const each of made) passOn(each);
    return update;
  }

  list(): readonly PipelineStatus[] {
    return [...this.pipelines.values()].map(statusOf);
  }

  async close(options?: CloseOptions): Promise<number> {
    const all = [...this.pipelines.values(), ...this.leaving];
    const left = await Promise.all(all.map((each) => each.close(options)));
    return left.reduce((sum, count) => sum + count, 0);
  }

  private pipelineOf(name: string, policies: readonly Policy[]): RegisteredPipeline {
    const { clock, random } = this.options;
    return pipeline({ name, clock, random }, ...policies);
  }

  private letGo(gone: RegisteredPipeline): void {
    this.leaving.add(gone);
    void gone.close().then(() => this.leaving.delete(gone));
  }
}

function sameRow(one: readonly Policy[], other: readonly Policy[]): boolean {
  return one.length === other.length && one.every((policy, position) => policy === other[position]);
}
