import type { EventEnvelope, EventOutcome } from './event.ts';

const OUTCOME: unique symbol = Symbol('outcome');

/** A listener with what it says of itself. */
type Marked = ((event: never) => void) & { readonly [OUTCOME]?: EventOutcome };

/**
 * A listener that hears only events of this outcome: `calls.on('call-ended', onlyOutcome('failure', log))`. Where nobody
 * hears the others they are not even made, so that calls which succeed go on costing nothing.
 */
export function onlyOutcome<Event extends Pick<EventEnvelope, 'outcome'>>(
  outcome: EventOutcome,
  listener: (event: Event) => void,
): (event: Event) => void {
  // What an async listener gives is passed on, for the channel to hear of its rejection.
  const only = (event: Event): void => (event.outcome === outcome ? listener(event) : undefined);
  return Object.assign(only, { [OUTCOME]: outcome });
}

/** The only outcome that a listener hears; undefined for one that hears all. */
export function outcomeHeardBy(listener: (event: never) => void): EventOutcome | undefined {
  return (listener as Marked)[OUTCOME];
}
