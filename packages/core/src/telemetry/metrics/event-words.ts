import { severityOf } from '../../events/severities.ts';
import type { EventEnvelope } from '../../events/event.ts';

const severities = Object.freeze({ debug: 'Debug', info: 'Information', warn: 'Warning', error: 'Error' });

/** The names of events that Polly's users know otherwise. */
const exceptions: Readonly<Record<string, string>> = Object.freeze({ hedge: 'OnHedging' });

/** An event as Polly's users know it: `circuit-opened` is `OnCircuitOpened`. */
export function eventName(type: string): string {
  if (Object.hasOwn(exceptions, type)) return exceptions[type]!;
  return `On${type.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())}`;
}

/** How much an event matters, in the words that Polly's users know. */
export function eventSeverity(event: Pick<EventEnvelope, 'type' | 'outcome'>): string {
  return severities[severityOf(event)];
}
