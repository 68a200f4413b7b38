export {
  shedding,
  type LoadShedEvent,
  type Shedding,
  type SheddingEvents,
  type SheddingStatistics,
} from './shedding.ts';
export { LoadShedError } from './errors.ts';
export { sheddingDefaults, type SheddingOptions, type SheddingPriority } from './options.ts';
export type { LoadReader, LoadSource } from '../load/load-source.ts';
export { eventLoopDelay, type EventLoopDelayOptions } from '../load/event-loop-delay.ts';
export { memoryUse, type MemoryUse, type MemoryUseOptions } from '../load/memory-use.ts';
