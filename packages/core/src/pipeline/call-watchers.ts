import type { EventEnvelope } from '../events/event.ts';
import type { CallWatcher } from '../policy/call-watcher.ts';
import type { ExecutionContext } from '../policy/context.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { HookPolicy } from '../policy/policy.ts';

/** What watchers must know of a call. */
interface WatchedCall {
  /** What the policy at `at` remembers of the whole call. */
  keptInCall(at: number): unknown;
}

/** The watchers of a pipeline's policies. Each is asked only for calls of which its policy keeps something. */
export class CallWatchers {
  /** The innermost first, each with the position of its policy. */
  private readonly placed: readonly { readonly watcher: CallWatcher; readonly at: number }[];

  private constructor(placed: CallWatchers['placed']) {
    this.placed = placed;
  }

  /** Those of these policies, the outermost first; undefined where none has one. */
  static of(policies: readonly HookPolicy[]): CallWatchers | undefined {
    const placed = policies.flatMap(({ watcher }, at) => (watcher === undefined ? [] : [{ watcher, at }]));
    return placed.length === 0 ? undefined : new CallWatchers(placed.toReversed());
  }

  /** Runs `fn` within all of them. */
  run(call: WatchedCall, context: ExecutionContext, fn: (context: ExecutionContext) => unknown): unknown {
    let run = (): unknown => fn(context);
    for (const { watcher, at } of this.placed) {
      const kept = call.keptInCall(at);
      const inner = run;
      if (kept !== undefined) run = () => watcher.run(kept, context, inner);
    }
    return run();
  }

  /** A run has ended, or the call does not wait for it any more. */
  runEnded(call: WatchedCall, context: ExecutionContext, outcome: Outcome): void {
    for (const { watcher, at } of this.placed) {
      const kept = call.keptInCall(at);
      if (kept !== undefined) watcher.runEnded(kept, context, outcome);
    }
  }

  told(call: WatchedCall, event: EventEnvelope): void {
    for (const { watcher, at } of this.placed) {
      const kept = call.keptInCall(at);
      if (kept !== undefined) watcher.told(kept, event);
    }
  }
}
