export {
  pipeline,
  type CallEndedEvent,
  type CloseOptions,
  type LateResultEvent,
  type Pipeline,
  type PipelineEvents,
  type PipelineOptions,
} from './pipeline.ts';
export { DeadlineExceededError, PipelineClosedError } from './errors.ts';
