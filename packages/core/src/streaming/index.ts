export { executeStream } from './execute-stream.ts';
export { EXECUTE_STREAM_DEFAULTS, type ExecuteStreamOptions } from './options.ts';
export { StreamTimeoutError, type StreamWait } from './errors.ts';
export { serverSentEvents, type ServerSentEvent } from './server-sent-events.ts';
export type { OpenSource, ResilientStream } from './resilient-stream.ts';
export type { StreamPipeline } from './open-call.ts';
export type { StreamSource } from './source.ts';
