/** The policies of a pipeline as lint and status see them: one row, whatever was nested in it. */
import { policyOfAnyKey } from '../keyed/keyed.ts';
import type { Policy } from '../policy/policy.ts';

/** A policy in the row, and where it was found. */
export interface RowEntry {
  readonly policy: Policy;
  /** `inventory[1]`, or `inventory[1].upstream[0]` for a policy of a pipeline that stands in the row. */
  readonly place: string;
  /** Whether it stands for those of all keys of a keyed policy. */
  readonly ofKey: boolean;
}

/** What is known of a policy beside its contract: the library's own tell their options. */
export interface WithOptions {
  readonly options?: Readonly<Record<string, unknown>>;
}

interface HasPolicies {
  readonly name?: string;
  readonly policies: readonly Policy[];
}

/** The row of a pipeline. A pipeline that stands in it counts as its policies, a keyed policy as that of a key: so they act. */
export function rowOf(pipeline: HasPolicies): readonly RowEntry[] {
  return rowAt(pipeline, pipeline.name ?? 'pipeline');
}

function rowAt(pipeline: HasPolicies, name: string): readonly RowEntry[] {
  return pipeline.policies.flatMap((policy, position) => {
    const place = `${name}[${position}]`;
    if (hasPolicies(policy)) return rowAt(policy, `${place}.${policy.name ?? 'pipeline'}`);
    const inside = policyOfAnyKey(policy);
    return inside === undefined ? [{ policy, place, ofKey: false }] : [{ policy: inside, place, ofKey: true }];
  });
}

function hasPolicies(policy: Policy): policy is Policy & HasPolicies {
  return policy.kind === 'pipeline' && Array.isArray((policy as Partial<HasPolicies>).policies);
}

/** The options of a policy that tells them. */
export function optionsOf(policy: Policy): Readonly<Record<string, unknown>> {
  return (policy as WithOptions).options ?? {};
}
