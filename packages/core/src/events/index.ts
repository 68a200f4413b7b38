export type {
  AnyEventOf,
  EventEnvelope,
  EventMap,
  EventOf,
  EventOutcome,
  EventSource,
  HookFailedEvent,
  TellsOthers,
} from './event.ts';
export { EventChannel } from './channel.ts';
export { onlyOutcome } from './only-outcome.ts';
export { eventSeverities, severityOf, type EventSeverity } from './severities.ts';
