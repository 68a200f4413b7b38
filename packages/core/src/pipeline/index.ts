export {
  pipeline,
  type AddsOf,
  type AtOnce,
  type CallEndedEvent,
  type CloseOptions,
  type EventsOf,
  type LateResultEvent,
  type Pipeline,
  type PipelineEvents,
  type PipelineOptions,
} from './pipeline.ts';
export { DeadlineExceededError, PipelineClosedError } from './errors.ts';
