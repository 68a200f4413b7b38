/** What an update keeps of policies in whose place it has put others. */
import { takeOverKeys } from '../keyed/keyed.ts';
import type { Policy } from '../policy/policy.ts';
import type { Made } from './building.ts';
import { isBreaker } from './policy-kinds.ts';

/**
 * Policies that stay although the one around them changes: those of the keys of a keyed one, where each is made of the same
 * as before. To be called before the others come into use, so that none is out of use in between.
 */
export function takeOver({ policy, after, keepsKeys }: Made): void {
  if (replaces(policy, after) && keepsKeys === true) takeOverKeys(policy, after);
}

/**
 * State that goes on in another policy: a breaker whose options have changed is as open as the one before it was, and so
 * is that of each key. To be called when the others are in use, and have their clock.
 */
export function passOn({ policy, after, keepsKeys }: Made): void {
  if (!replaces(policy, after)) return;
  if (keepsKeys === false) takeOverKeys(policy, after, { wanted: isBreaker, pass: passState });
  passState(after, policy);
}

/** A policy that said the same as before is the same. */
function replaces(policy: Policy, after: Policy | undefined): after is Policy {
  return after !== undefined && after !== policy;
}

function passState(before: Policy, policy: Policy): void {
  if (!isBreaker(before) || !isBreaker(policy)) return;
  // Where one follows several, the worst of them counts.
  if (before.state !== 'closed' || policy.state === 'closed') policy.hydrate(before.toJSON());
}
