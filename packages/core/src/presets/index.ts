/** Policies put together for common jobs; each place of a preset can be changed, shared or left out. */
export {
  background,
  costOptimised,
  critical,
  database,
  httpClient,
  integrated,
  llmApi,
  type PresetEvents,
  type PresetPipeline,
} from './presets.ts';
export { presetDefinitions, type PresetDefinition, type PresetName } from './definitions.ts';
export type { PresetOptions, TimeoutChanges } from './preset-policies.ts';
export { isDatabaseFailure, isTransient, isTransientDatabaseError, isUpstreamFailure } from './transient.ts';
