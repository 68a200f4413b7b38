/**
 * Calls `callback` when the program has run on as far as it can by itself: after all microtasks that are queued now, and
 * those that they queue, before any timer or input. No time passes, so it is no business of a clock's.
 */
export function atTurnEnd(callback: () => void): void {
  const { process } = globalThis as TickingProcess;
  if (process?.nextTick === undefined) viaMessage(callback);
  // A tick goes before the microtasks that are queued; queued by one of them, it comes after all of them.
  else void Promise.resolve().then(() => process.nextTick!(callback));
}

interface TickingProcess {
  readonly process?: { nextTick?(callback: () => void): void };
}

/** Where there are no ticks, as in browsers: the next message is a turn of its own. */
function viaMessage(callback: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener('message', () => {
    port1.close();
    callback();
  });
  port1.start();
  port2.postMessage(undefined);
}
