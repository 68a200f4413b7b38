/** How long operations take and how often they fail, by name, in memory that does not grow with traffic. */
import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import type { EventMap, EventSource } from '../events/event.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { either, implementing, integer, positiveMilliseconds, type Rules } from '../options/rules.ts';
import type { DisposableWhereKnown } from '../structures/disposable.ts';
import { Operation, type OperationJson, type OperationStatistics } from './operation-statistics.ts';

/** Options of a performance monitor. */
export interface PerformanceMonitorOptions {
  /** How many operations are told apart; those beyond count together as `(other)`. At least 1, default 1,000, the one for the others not counted. */
  readonly maxOperations?: number | undefined;
  /** An operation that takes longer is slow, in milliseconds; or by the name of the operation. Default: none is. */
  readonly slowMs?: number | Readonly<Record<string, number>> | undefined;
  /** Where it takes the time from; default: the system's clock. */
  readonly clock?: Clock | undefined;
}

/** An operation took longer than it should. */
export interface SlowOperationEvent {
  readonly operation: string;
  readonly durationMs: number;
  readonly slowMs: number;
  readonly outcome: 'success' | 'failure';
}

/** The events of a performance monitor. */
export interface PerformanceMonitorEvents extends EventMap {
  'slow-operation': SlowOperationEvent;
}

/** All that a monitor knows. */
export interface PerformanceSnapshot {
  /** By name, in the order in which they came. */
  readonly operations: Readonly<Record<string, OperationStatistics>>;
  /** Measurements of operations beyond `maxOperations`, which were counted as `(other)`. */
  readonly folded: number;
}

/** A snapshot that another monitor can take in; JSON holds it. */
export interface PerformanceJson {
  readonly operations: Readonly<Record<string, OperationJson>>;
  readonly folded: number;
}

/** The name under which operations beyond `maxOperations` are counted. */
export const OTHER_OPERATIONS = '(other)';

/** The defaults of a performance monitor. */
export const performanceMonitorDefaults: { readonly maxOperations: number } = Object.freeze({ maxOperations: 1_000 });

const rules: Rules<PerformanceMonitorOptions> = Object.freeze({
  maxOperations: integer(1),
  slowMs: either(positiveMilliseconds(), {
    expected: 'an object with durations above 0 by the name of the operation',
    accepts: (value: unknown): value is Readonly<Record<string, number>> =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((ms) => typeof ms === 'number' && ms > 0),
  }),
  clock: implementing<Clock>('a clock', 'now', 'wallTime', 'setTimer'),
});

/**
 * Measures operations: `await monitor.track('load user', () => load(id))`.
 *
 * @throws ConfigurationError
 */
export function performanceMonitor(options: PerformanceMonitorOptions = {}): PerformanceMonitor {
  return new PerformanceMonitor(options);
}

/** Measures operations; see {@link performanceMonitor}. */
export class PerformanceMonitor {
  private readonly options: Resolved<PerformanceMonitorOptions, typeof performanceMonitorDefaults>;
  private readonly clock: Clock;
  private readonly channel: OwnerChannel<PerformanceMonitorEvents>;
  private readonly operations: Map<string, Operation> = new Map();
  private foldedCount = 0;

  constructor(given: PerformanceMonitorOptions = {}) {
    this.options = resolveOptions('performanceMonitor', given, performanceMonitorDefaults, rules);
    this.clock = this.options.clock ?? systemClock;
    this.channel = new OwnerChannel(undefined, () => this.clock);
  }

  get events(): EventSource<PerformanceMonitorEvents> {
    return this.channel;
  }

  /** Counts one run of an operation, of which somebody else has taken the time. */
  record(operation: string, durationMs: number, failed = false): void {
    this.operation(operation).record(durationMs, failed);
    const { slowMs } = this.options;
    if (slowMs === undefined || !this.channel.wants('slow-operation')) return;
    const limit =
      typeof slowMs === 'number' ? slowMs : Object.hasOwn(slowMs, operation) ? slowMs[operation]! : Infinity;
    if (durationMs <= limit) return;
    const outcome = failed ? 'failure' : 'success';
    this.channel.tell('slow-operation', { operation, durationMs, slowMs: limit, outcome });
  }

  /** Runs `fn` and counts it; its result, promise or error passes unchanged. */
  track<T>(operation: string, fn: () => T): T {
    const startedAt = this.clock.now();
    let result: T;
    try {
      result = fn();
    } catch (error) {
      this.record(operation, this.clock.now() - startedAt, true);
      throw error;
    }
    if (!isPromise(result)) {
      this.record(operation, this.clock.now() - startedAt);
      return result;
    }
    const ended = (failed: boolean): void => this.record(operation, this.clock.now() - startedAt, failed);
    // The caller has the promise itself, and its rejection; this branch only looks.
    result.then(
      () => ended(false),
      () => ended(true),
    );
    return result;
  }

  /** Takes the time of what is no function: `using measuring = monitor.start('load user')`. */
  start(operation: string): Measuring {
    const startedAt = this.clock.now();
    return measuring((failed) => this.record(operation, this.clock.now() - startedAt, failed));
  }

  /** What is known of an operation; undefined where it was never measured. */
  statistics(operation: string): OperationStatistics | undefined {
    return this.operations.get(operation)?.statistics;
  }

  snapshot(): PerformanceSnapshot {
    const operations = Object.fromEntries(Array.from(this.operations, ([name, { statistics }]) => [name, statistics]));
    return { operations, folded: this.foldedCount };
  }

  /** Forgets one operation, or all. */
  reset(operation?: string): void {
    if (operation !== undefined) {
      this.operations.delete(operation);
      return;
    }
    this.operations.clear();
    this.foldedCount = 0;
  }

  /** Adds what another monitor has counted: one of this process, or the JSON of one of another. */
  merge(other: PerformanceMonitor | PerformanceJson): void {
    if (other instanceof PerformanceMonitor) {
      this.foldedCount += other.foldedCount;
      for (const [name, operation] of other.operations) this.operation(name).merge(operation);
      return;
    }
    this.foldedCount += other.folded;
    for (const [name, operation] of Object.entries(other.operations)) this.operation(name).mergeJson(operation);
  }

  toJSON(): PerformanceJson {
    const operations = Object.fromEntries(
      Array.from(this.operations, ([name, operation]) => [name, operation.toJSON()]),
    );
    return { operations, folded: this.foldedCount };
  }

  private operation(name: string): Operation {
    const known = this.operations.get(name);
    if (known !== undefined) return known;
    // One place is kept for what does not fit.
    if (this.operations.size >= this.options.maxOperations && name !== OTHER_OPERATIONS) {
      this.foldedCount++;
      return this.operation(OTHER_OPERATIONS);
    }
    const operation = new Operation();
    this.operations.set(name, operation);
    return operation;
  }
}

/** A measurement that goes on until it is ended, or until its `using` block is left. Only the first end counts. */
export type Measuring = {
  /** It has succeeded. */
  end(): void;
  /** It has failed. */
  fail(): void;
} & DisposableWhereKnown;

function measuring(record: (failed: boolean) => void): Measuring {
  let open = true;
  const finish = (failed: boolean): void => {
    if (open) record(failed);
    open = false;
  };
  const end = (): void => finish(false);
  const dispose = (Symbol as { readonly dispose?: symbol }).dispose;
  const made = { end, fail: () => finish(true) };
  return (dispose === undefined ? made : { ...made, [dispose]: end }) as Measuring;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
  );
}

/** The monitor of the process: what has no other one is counted here. */
export const sharedMonitor: PerformanceMonitor = /* @__PURE__ */ new PerformanceMonitor();
