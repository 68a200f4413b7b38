/** What a configuration knows of a kind of policy: how its options are read, and how it is made of them. */
import type { RetryBudget } from '../gates/budget.ts';
import { faultsBelow } from '../options/fault-paths.ts';
import type { Policy } from '../policy/policy.ts';
import { object, orJust } from './composite-fields.ts';
import { type Field, type Fields, type Read, text } from './fields.ts';

/** What a policy may need that stands elsewhere in the configuration. */
export interface Tools {
  /** The budget of this name; undefined, and a fault, when there is none. */
  budget(name: string): RetryBudget | undefined;
}

/** A kind of policy as a configuration sees it. */
export interface PolicyKind {
  /** Reads its options where it is made of them alone. */
  readonly field: Field<object>;
  /** Reads the same where they are laid over those of a preset, which may have those that are needed. */
  readonly change: Field<object>;
  /** Whether it needs options: a timeout without a time means nothing. */
  readonly needsOptions: boolean;
  /** The options as the function of its name takes them. */
  optionsOf(plain: object, tools: Tools): object;
  make(plain: object, tools: Tools): Policy;
}

export interface KindOf<F extends Fields, Options> {
  readonly about: string;
  readonly fields: F;
  readonly required?: readonly (keyof F & string)[];
  /** The field that may stand alone. */
  readonly alone?: keyof F & string;
  /** Whether the presets leave its place empty, so that there is nothing for changes to be laid over. */
  readonly absentFromPresets?: boolean;
  /** What is another value in code than in a file. */
  readonly optionsOf?: (plain: Read<F>, tools: Tools) => Options;
  readonly make: (options: never) => Policy;
}

/** A kind of policy by its fields. */
export function kind<const F extends Fields, Options extends object>(of: KindOf<F, Options>): PolicyKind {
  const { about, fields, required = [], alone, absentFromPresets = false } = of;
  const whole = { ...fields, name: text('Its name in events, errors and lists; default: its kind.') };
  const orAlone = (field: Field<object>): Field<object> =>
    alone === undefined ? field : orJust(field, alone, fields[alone]!);
  const optionsOf = (plain: object, tools: Tools): object => ({ ...plain, ...of.optionsOf?.(plain, tools) });
  const field = orAlone(object(about, whole, required));
  return {
    field,
    change: absentFromPresets ? field : orAlone(object(about, whole)),
    needsOptions: required.length > 0,
    optionsOf,
    make: (plain, tools) => of.make(optionsOf(plain, tools) as never),
  };
}

/** What a choice among kinds was read as. */
export interface Chosen {
  readonly kind: string;
  readonly options: unknown;
}

/**
 * What the maker of the chosen kind makes.
 *
 * @param option The option of the policy that it was chosen for, for the paths of faults.
 */
export function made<T>(
  option: string,
  makers: Readonly<Record<string, (options: never) => T>>,
  { kind: name, options }: Chosen,
): T {
  return faultsBelow(`policy.${option}.${name}`, () => makers[name]!(options as never));
}
