export type { AnyEventOf, EventEnvelope, EventMap, EventOf, EventSource, HookFailedEvent } from './event.ts';
export { EventChannel } from './channel.ts';
