import type { Clock, Timer } from '../clock/clock.ts';
import { AbortSubscription } from '../policy/abort-subscription.ts';

/** Resolves when `dueAt`, which may move meanwhile, has come; rejects with the signal's reason when that is aborted. */
export function untilDue(clock: Clock, dueAt: () => number, signal: AbortSignal | undefined): Promise<void> {
  const leftMs = dueAt() - clock.now();
  if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
  if (leftMs <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const wait = new ReadyWait(reject);
    wait.timer = clock.setTimer(leftMs, () => {
      if (signal !== undefined) wait.unsubscribe(signal);
      // It may have been delayed meanwhile.
      untilDue(clock, dueAt, signal).then(resolve, reject);
    });
    if (signal !== undefined) wait.subscribe(signal);
  });
}

class ReadyWait extends AbortSubscription {
  timer: Timer | undefined = undefined;
  private readonly reject: (reason: unknown) => void;

  constructor(reject: (reason: unknown) => void) {
    super();
    this.reject = reject;
  }

  override onAbort(reason: unknown): void {
    this.timer?.cancel();
    this.reject(reason);
  }
}
