import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/** The time that the caller gave the call is over. Code `DEADLINE_EXCEEDED`, category `timeout`. */
export class DeadlineExceededError extends BreakwaterError {
  constructor(pipeline: string | undefined, deadlineMs: number) {
    const where = pipeline === undefined ? '' : ` of ${pipeline}`;
    super(`the call${where} did not end within its deadline of ${Math.round(deadlineMs)} ms`, {
      code: 'DEADLINE_EXCEEDED',
      category: 'timeout',
      details: { deadlineMs },
    });
  }
}
nameError(DeadlineExceededError, 'DeadlineExceededError');

/** The pipeline was closed before the call came. Code `PIPELINE_CLOSED`, category `internal`. */
export class PipelineClosedError extends BreakwaterError {
  constructor(pipeline: string | undefined) {
    super(`the pipeline${pipeline === undefined ? '' : ` ${pipeline}`} is closed and takes no calls`, {
      code: 'PIPELINE_CLOSED',
      category: 'internal',
    });
  }
}
nameError(PipelineClosedError, 'PipelineClosedError');
