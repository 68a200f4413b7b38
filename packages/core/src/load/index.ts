/** How much a program has to do: what load shedding, health checks and limits go by. */
export type { LoadReader, LoadSource } from './load-source.ts';
export { eventLoopDelay, eventLoopDelayDefaults, type EventLoopDelayOptions } from './event-loop-delay.ts';
export { memoryUse, memoryUseDefaults, type MemoryUse, type MemoryUseOptions } from './memory-use.ts';
