/** Pipelines by name from a configuration, changed while they are in use; and what is doubtful about a pipeline. */
export {
  pipelineRegistry,
  type PipelineRegistry,
  type RegisteredPipeline,
  type RegistryOptions,
  type RegistryUpdate,
} from './registry.ts';
export { configurationSchema } from './configuration.ts';
export type { JsonSchema } from './fields.ts';
export { lintPipeline, type LintCode, type LintFinding } from './lint.ts';
export { type KeyStatus, type PipelineStatus, statusOf as pipelineStatus, type PolicyStatus } from './status.ts';
