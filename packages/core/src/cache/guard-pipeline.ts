import type { CallOptions, ExecutionContext } from '../policy/context.ts';

/** What of a pipeline is needed to guard a loader or a second tier with it. */
export interface GuardPipeline {
  execute<T>(fn: (context: ExecutionContext) => T, options?: CallOptions): Promise<unknown>;
}
