/**
 * What a program keeps beside its parameters, such as the id that all its logs of one request share, follows its promises
 * and timers by itself. But a call that waits is set going again by somebody else: by the timer that many timeouts share,
 * by another call that gives back its permit. Whoever keeps such things says here how to get back to what surrounded the
 * call when it began. As long as nobody does, a call looks whether somebody does, and that is all.
 */

/** Runs a function in what surrounded a call when it began. */
export type InContext = (run: () => void) => void;

/** Remembers what surrounds the call that begins now; undefined when that is nothing. */
export type ContextCapture = () => InContext | undefined;

/** @internal How calls remember what surrounds them; undefined as long as nobody wants that. */
export const callContexts: { capture: ContextCapture | undefined } = { capture: undefined };
