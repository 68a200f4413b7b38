import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { timeoutQueueOf, type TimeoutLane } from '../clock/timeout-queue.ts';
import { withoutStack } from '../errors/rejection.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import { resolveOptions } from '../options/resolve.ts';
import { type Failure, failure } from '../policy/outcome.ts';
import { PRIORITY_LEVELS, priorityLevel } from '../policy/priority.ts';
import { IntrusiveList } from '../structures/intrusive-list.ts';
import { LevelQueue } from '../structures/level-queue.ts';
import { TaskTimeoutError, WorkerPoolClosedError, WorkerPoolFullError } from './errors.ts';
import { parallelMap } from './parallel-map.ts';
import { PoolTask, type TaskEnd, type TaskHost } from './pool-task.ts';
import type { Source } from './source-reader.ts';
import { faultOfTask, ItemContext } from './task-call.ts';
import { TaskStatistics } from './task-statistics.ts';
import { WorkerLimit, type WorkerLimitHost } from './worker-limit.ts';
import {
  type PoolMapOptions,
  type ResolvedPoolOptions,
  resolvePoolOptions,
  type TaskContext,
  type TaskOptions,
  type WorkerPool,
  type WorkerPoolCloseOptions,
  workerPoolCloseRules,
  type WorkerPoolEvents,
  type WorkerPoolOptions,
  type WorkerPoolStatistics,
} from './worker-pool-options.ts';

/**
 * A pool of workers for asynchronous tasks: a bounded number runs at once, the others wait, the most urgent first and
 * in the order in which they came. For tasks that need a processor rather than wait for one, see {@link onThreads}.
 *
 * @throws ConfigurationError
 */
export function workerPool(options: WorkerPoolOptions = {}): WorkerPool {
  return new BoundedPool(options);
}

class BoundedPool implements WorkerPool, TaskHost, WorkerLimitHost {
  readonly name: string;
  private readonly options: ResolvedPoolOptions;
  private readonly clock: Clock;
  private readonly channel: OwnerChannel<WorkerPoolEvents>;
  private readonly queue: LevelQueue<PoolTask> = new LevelQueue(PRIORITY_LEVELS);
  private readonly counts: TaskStatistics = new TaskStatistics();
  private readonly lane: TimeoutLane | undefined;
  private readonly limit: WorkerLimit;
  /** Tasks whose function has not ended; those included whose caller has been answered. */
  private readonly alive: IntrusiveList<PoolTask> = new IntrusiveList();
  private taken = 0;
  private paused = false;
  private closed = false;
  private starting = false;
  private readonly whenDrained: (() => void)[] = [];
  private readonly whenEnded: (() => void)[] = [];

  constructor(given: WorkerPoolOptions) {
    const options = resolvePoolOptions(given);
    this.options = options;
    this.name = options.name;
    this.clock = options.clock ?? systemClock;
    this.channel = new OwnerChannel(this.name, () => this.clock);
    this.lane = this.laneFor(options.taskTimeoutMs);
    this.limit = new WorkerLimit(options.minWorkers, options.maxWorkers, options.adaptive, this);
  }

  get running(): number {
    return this.taken;
  }

  get queued(): number {
    return this.queue.size;
  }

  get workers(): number {
    return this.limit.current;
  }

  get isPaused(): boolean {
    return this.paused;
  }

  get statistics(): WorkerPoolStatistics {
    return this.counts.summary({ running: this.taken, queued: this.queue.size, workers: this.limit.current });
  }

  on(type: '*' | keyof WorkerPoolEvents, listener: (event: never) => void): () => void {
    return this.channel.on(type as never, listener);
  }

  execute<R>(fn: (context: TaskContext) => R, options?: TaskOptions): Promise<Awaited<R>> {
    return this.submit(fn, options, this.options.maxQueue);
  }

  map<T, R>(
    source: Source<T>,
    mapper: (item: T, context: TaskContext & { readonly index: number }) => R,
    { priority, timeoutMs, ...options }: PoolMapOptions = {},
  ): AsyncIterableIterator<Awaited<R>, undefined, undefined> {
    const run = (
      item: T,
      { index, signal }: { readonly index: number; readonly signal: AbortSignal },
    ): Promise<Awaited<R>> =>
      this.submit((task) => mapper(item, new ItemContext(index, task)), { priority, timeoutMs, signal }, Infinity);
    return parallelMap(source, run, { ...options, concurrency: this.options.maxWorkers });
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.startWaiting(this.clock.now());
  }

  drain(): Promise<void> {
    if (this.taken === 0 && this.queue.size === 0) return Promise.resolve();
    return new Promise((resolve) => void this.whenDrained.push(resolve));
  }

  async close(given: WorkerPoolCloseOptions = {}): Promise<number> {
    const { queued, timeoutMs } = resolveOptions('workerPool.close', given, {}, workerPoolCloseRules);
    this.closed = true;
    if (queued === 'reject') this.rejectWaiting();
    this.resume();
    return new Promise((resolve) => {
      if (this.hasEnded) return resolve(0);
      const timer =
        timeoutMs === undefined ? undefined : this.clock.setTimer(timeoutMs, () => resolve(this.breakOff()));
      this.whenEnded.push(() => {
        timer?.cancel();
        resolve(0);
      });
    });
  }

  // --- what tasks and the limit tell ---

  functionEnded(task: PoolTask, ok: boolean, result: unknown): void {
    this.alive.remove(task);
    if (task.state !== 'answered') return this.release(this.answer(task, ok, result, ok ? 'succeeded' : 'failed'));
    if (this.channel.wants('task-late')) this.tellOf(task, 'task-late', { outcome: ok ? 'success' : 'failure' });
    if (this.options.releaseOn === 'settled') this.release(this.clock.now());
    else this.tellWhoWaits();
  }

  timedOut(task: PoolTask): void {
    const error = withoutStack(() => new TaskTimeoutError(this.name, task.timeoutMs!));
    this.leaveBehind(task, error, 'timed-out');
  }

  abortedByCaller(task: PoolTask, reason: unknown): void {
    if (task.state === 'running') return this.leaveBehind(task, reason, 'aborted');
    this.queue.remove(task);
    this.dropWaiting(task, reason);
    this.tellWhoWaits();
  }

  limitChanged(from: number, to: number): void {
    if (this.channel.wants('workers-changed')) this.channel.tell('workers-changed', { from, to });
  }

  policyFailed(error: unknown): void {
    this.channel.tell('hook-failed', { hook: 'adaptive.next', error, outcome: 'failure' });
  }

  // --- starting and ending ---

  private get hasEnded(): boolean {
    return this.alive.isEmpty && this.queue.size === 0;
  }

  private submit<R>(
    fn: (context: TaskContext) => R,
    options: TaskOptions | undefined,
    maxQueue: number,
  ): Promise<Awaited<R>> {
    const fault = faultOfTask(fn, options);
    if (fault !== undefined) return Promise.reject(fault);
    const signal = options?.signal;
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const mayStart = this.taken < this.limit.current && !this.paused && this.queue.size === 0;
    if (this.closed || (!mayStart && this.queue.size >= maxQueue)) return Promise.reject(this.refusal());
    return new Promise<Awaited<R>>((resolve, reject) => {
      const level = options === undefined ? 2 : priorityLevel(options.priority ?? 'normal');
      const timeoutMs = options?.timeoutMs ?? this.options.taskTimeoutMs;
      const task = new PoolTask(this, fn, level, timeoutMs, this.clock.now(), resolve, reject);
      if (signal !== undefined) task.listenTo(signal);
      if (mayStart) this.start(task, task.queuedAt);
      else this.queue.append(task);
    });
  }

  private refusal(): Error {
    this.counts.refused++;
    return withoutStack(() =>
      this.closed ? new WorkerPoolClosedError(this.name) : new WorkerPoolFullError(this.name, this.options.maxQueue),
    );
  }

  private start(task: PoolTask, now: number): void {
    this.taken++;
    this.alive.append(task);
    const waitedMs = now - task.queuedAt;
    this.counts.started(waitedMs, this.taken);
    if (this.channel.wants('task-started')) this.tellOf(task, 'task-started', { waitedMs });
    task.start(now, task.timeoutMs === this.options.taskTimeoutMs ? this.lane : this.laneFor(task.timeoutMs));
  }

  private laneFor(timeoutMs: number | undefined): TimeoutLane | undefined {
    return timeoutMs === undefined ? undefined : timeoutQueueOf(this.clock).lane(timeoutMs);
  }

  /** A task whose function is synchronous ends within `start`: a loop, not a recursion. */
  private startWaiting(now: number): void {
    if (this.starting) return;
    this.starting = true;
    while (this.taken < this.limit.current && !this.paused) {
      const task = this.queue.shift();
      if (task === undefined) break;
      // One abort may reach a task that runs before it reaches those that wait for its worker.
      const aborted = task.abortedSignal;
      if (aborted === undefined) this.start(task, now);
      else this.dropWaiting(task, aborted.reason);
    }
    this.starting = false;
    this.tellWhoWaits();
  }

  private dropWaiting(task: PoolTask, reason: unknown): void {
    this.counts.ended('aborted', undefined);
    task.answer(false, reason);
  }

  private leaveBehind(task: PoolTask, error: unknown, end: TaskEnd): void {
    const now = this.answer(task, false, error, end);
    task.abort(error);
    if (this.options.releaseOn === 'outcome') this.release(now);
  }

  /** Answers the caller; gives the time. */
  private answer(task: PoolTask, ok: boolean, result: unknown, end: TaskEnd): number {
    const now = this.clock.now();
    const durationMs = now - task.startedAt;
    this.counts.ended(end, durationMs);
    if (this.channel.isHeard) this.tellEnd(task, ok ? undefined : failure(result), end, durationMs);
    if (this.limit.isAdaptive && end !== 'aborted') {
      this.limit.learn({ running: this.taken, queued: this.queue.size, latencyMs: durationMs, ok });
    }
    task.answer(ok, result);
    return now;
  }

  private tellEnd(task: PoolTask, failed: Failure | undefined, end: TaskEnd, durationMs: number): void {
    const outcome = failed === undefined ? 'success' : 'failure';
    const error = failed?.error;
    if (this.channel.wants('task-ended')) this.tellOf(task, 'task-ended', { durationMs, outcome, error });
    if (failed === undefined || end === 'aborted' || !this.channel.wants('task-failed')) return;
    const waitedMs = task.startedAt - task.queuedAt;
    this.tellOf(task, 'task-failed', { error, waitedMs, durationMs, outcome: 'failure' });
  }

  private tellOf<Type extends keyof WorkerPoolEvents>(task: PoolTask, type: Type, facts: WorkerPoolEvents[Type]): void {
    task.within(() => this.channel.tell(type, facts));
  }

  private release(now: number): void {
    this.taken--;
    this.startWaiting(now);
  }

  private tellWhoWaits(): void {
    if (this.queue.size > 0) return;
    if (this.taken === 0) for (const tell of this.whenDrained.splice(0)) tell();
    if (this.alive.isEmpty) for (const tell of this.whenEnded.splice(0)) tell();
  }

  private rejectWaiting(): void {
    for (let task = this.queue.shift(); task !== undefined; task = this.queue.shift()) {
      this.counts.refused++;
      task.answer(false, new WorkerPoolClosedError(this.name));
    }
  }

  /** The time to close is up. Gives how many functions are left. */
  private breakOff(): number {
    this.rejectWaiting();
    const left = [...this.alive];
    for (const task of left) {
      if (task.state === 'running') this.leaveBehind(task, new WorkerPoolClosedError(this.name), 'aborted');
    }
    return left.length;
  }
}
