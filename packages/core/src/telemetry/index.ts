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
