import type { EventEnvelope } from '../events/event.ts';
import type { ExecutionContext } from './context.ts';
import type { Outcome } from './outcome.ts';

/**
 * Sees what happens in a call beyond the place where its policy stands: what tracing is made of. `kept` is what the policy
 * keeps of the call; of a call of which it keeps nothing, its watcher is told nothing. Must not throw.
 */
export interface CallWatcher {
  /** A run of the user's function begins. Calls `run` once, at once, and returns what it returns, or throws what it throws. */
  run(kept: unknown, context: ExecutionContext, run: () => unknown): unknown;
  /** That run has ended, or the call does not wait for it any more: then with what the call, or the policy, gave it up for. */
  runEnded(kept: unknown, context: ExecutionContext, outcome: Outcome): void;
  /** An event of the call has been told. */
  told(kept: unknown, event: EventEnvelope): void;
}
