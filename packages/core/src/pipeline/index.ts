export { pipeline } from './pipeline.ts';
export type {
  AddsOf,
  AnyPipeline,
  AtOnce,
  CloseOptions,
  EventsHeard,
  EventsOf,
  Pipeline,
  PipelineOptions,
} from './pipeline-contract.ts';
export { protect, type ProtectingDecorator, type ProtectOptions } from './protect.ts';
export type { AttemptEndedEvent, CallEndedEvent, LateResultEvent, PipelineEvents } from './events.ts';
export { DeadlineExceededError, PipelineClosedError } from './errors.ts';
