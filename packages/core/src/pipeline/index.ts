export {
  pipeline,
  type AddsOf,
  type AnyPipeline,
  type AtOnce,
  type CloseOptions,
  type EventsHeard,
  type EventsOf,
  type Pipeline,
  type PipelineOptions,
} from './pipeline.ts';
export { protect, type ProtectingDecorator, type ProtectOptions } from './protect.ts';
export type { AttemptEndedEvent, CallEndedEvent, LateResultEvent, PipelineEvents } from './events.ts';
export { DeadlineExceededError, PipelineClosedError } from './errors.ts';
