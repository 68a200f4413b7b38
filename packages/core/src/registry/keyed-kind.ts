/** A policy for each key, of which a configuration says what each is made of. */
import { keyed } from '../keyed/keyed.ts';
import type { KeyedOptions } from '../keyed/options.ts';
import { faultsBelow } from '../options/fault-paths.ts';
import type { Policy } from '../policy/policy.ts';
import { oneOf } from './composite-fields.ts';
import { duration, integer, text } from './fields.ts';
import { kind, type PolicyKind } from './policy-kind.ts';

/** @param kinds What the policy of a key may be. */
export function keyedKind(kinds: Readonly<Record<string, PolicyKind>>): PolicyKind {
  const fields = Object.fromEntries(Object.entries(kinds).map(([name, { field }]) => [name, field]));
  return kind({
    about: 'A policy for each key, of its own state: a breaker for each host.',
    fields: {
      policy: oneOf('What the policy of each key is.', fields),
      key: text('The key of all calls; default: the key that each call has.'),
      maxKeys: integer('How many keys are remembered at most; default 10,000.', 1),
      idleMs: duration('A key that was not used for so long is forgotten; default 10 m.', 1),
    },
    required: ['policy'],
    optionsOf: ({ policy }, tools) => {
      const { kind: name, options } = policy!;
      const { budget: named } = options as { readonly budget?: string };
      const budget = named === undefined ? undefined : tools.budget(named);
      const policyOfKey = (): Policy => kinds[name]!.make(options as object, { budget: () => budget });
      // What the first key would find wrong is told before there is one.
      faultsBelow(`keyed.policy.${name}`, policyOfKey);
      return { policy: policyOfKey };
    },
    make: ({ policy, ...options }: KeyedOptions & { readonly policy: () => Policy }) => keyed(policy, options),
  });
}
