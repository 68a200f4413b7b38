export { executeStream } from './execute-stream.ts';
export { EXECUTE_STREAM_DEFAULTS, type ExecuteStreamOptions } from './options.ts';
export { StreamEventTooLargeError, StreamTimeoutError, type StreamWait } from './errors.ts';
export {
  SERVER_SENT_EVENTS_DEFAULTS,
  serverSentEvents,
  type ServerSentEvent,
  type ServerSentEventsOptions,
} from './server-sent-events.ts';
export type { OpenSource, ResilientStream } from './resilient-stream.ts';
export type { StreamPipeline } from './open-call.ts';
export type { StreamSource } from './source.ts';
