/** What operators look at: how long operations take and how often they fail. */
export {
  OTHER_OPERATIONS,
  performanceMonitor,
  PerformanceMonitor,
  performanceMonitorDefaults,
  sharedMonitor,
  type Measuring,
  type PerformanceJson,
  type PerformanceMonitorEvents,
  type PerformanceMonitorOptions,
  type PerformanceSnapshot,
  type SlowOperationEvent,
} from './performance-monitor.ts';
export type { OperationJson, OperationStatistics } from './operation-statistics.ts';
export type { DisposableWhereKnown } from '../structures/disposable.ts';
export { createLogger, sharedLogger } from './logging/create-logger.ts';
export type { LogFields, Logger, LoggerPort, LogStatistics } from './logging/logger.ts';
export type { LogLevel } from './logging/log-level.ts';
export { loggerDefaults, type LoggerOptions } from './logging/options.ts';
export { logEvents, type LogEventsOptions } from './logging/log-events.ts';
export { logOperation, type LogOperationOptions } from './logging/log-operation.ts';
