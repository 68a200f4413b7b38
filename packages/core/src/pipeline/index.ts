export {
  pipeline,
  type AddsOf,
  type AtOnce,
  type CloseOptions,
  type EventsOf,
  type Pipeline,
  type PipelineOptions,
} from './pipeline.ts';
export type { AttemptEndedEvent, CallEndedEvent, LateResultEvent, PipelineEvents } from './events.ts';
export { DeadlineExceededError, PipelineClosedError } from './errors.ts';
