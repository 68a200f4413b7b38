import { type AbortLink, Attempt } from '../pipeline/attempt.ts';
import { AbortSubscription } from '../policy/abort-subscription.ts';
import type { ExecutionContext } from '../policy/context.ts';

/** Is told when a run is aborted; on a run of this library's pipelines without the price of a listener on its signal. */
export abstract class RunListener extends AbortSubscription implements AbortLink {
  /** Starts to listen; told at once when the run has been aborted already. */
  listen(context: ExecutionContext): void {
    if (context instanceof Attempt) context.link(this);
    else if (context.signal.aborted) this.onAbort(context.signal.reason);
    else this.subscribe(context.signal);
  }

  /** Stops to listen; harmless when it doesn't. */
  stopListening(context: ExecutionContext): void {
    if (context instanceof Attempt) context.unlink(this);
    else this.unsubscribe(context.signal);
  }
}

/** Whether a run was aborted; a run of this library's pipelines makes no signal for that. */
export function isAborted(context: ExecutionContext): boolean {
  return context instanceof Attempt ? context.aborted : context.signal.aborted;
}
