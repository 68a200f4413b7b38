/** What limits a call from outside of a position: its deadline, the policies there, and the call that it is part of. */
import type { Call } from '../policy/policy.ts';
import { Attempt } from './attempt.ts';
import type { CallFrame } from './call-frame.ts';

type LimitedCall = CallFrame & Call;

/** How many milliseconds all of them leave; Infinity where none limits the time. */
export function remainingMsOf(call: LimitedCall, at: number): number {
  const { origin, plan } = call;
  let remaining = call.rare?.guard?.remainingMs() ?? Infinity;
  for (let position = origin?.first ?? 0; position < at; position++) {
    const { policy } = plan.steps[position]!;
    if (policy.remainingMs !== undefined) remaining = Math.min(remaining, policy.remainingMs(call, position));
  }
  if (origin === undefined) return remaining;
  return Math.min(remaining, origin.parent.remainingMs(origin.first), origin.within?.remainingMs ?? Infinity);
}

/** Whether one of them is about to end the call, and has not told it yet. */
export function isOver(call: LimitedCall, at: number): boolean {
  const { origin, plan } = call;
  if (call.ended) return false;
  if (call.rare?.guard?.isDue === true) return true;
  for (let position = origin?.first ?? 0; position < at; position++) {
    const { policy } = plan.steps[position]!;
    if (policy.isDue?.(call, position) === true) return true;
  }
  if (origin === undefined) return false;
  return origin.parent.isOver(origin.first) || (origin.within instanceof Attempt && origin.within.isOver);
}
