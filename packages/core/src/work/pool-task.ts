import { TimeoutEntry, type TimeoutLane } from '../clock/timeout-queue.ts';
import { callContexts, type InContext } from '../pipeline/call-context.ts';
import { isThenable } from '../pipeline/promises.ts';
import { AbortSubscription } from '../policy/abort-subscription.ts';
import { LeveledNode } from '../structures/level-queue.ts';
import type { TaskContext } from './worker-pool-options.ts';

/** How a task ended for its caller. */
export type TaskEnd = 'succeeded' | 'failed' | 'timed-out' | 'aborted';

/** The pool as a task sees it. */
export interface TaskHost {
  /** The function has ended, in time or late. */
  functionEnded(task: PoolTask, ok: boolean, result: unknown): void;
  timedOut(task: PoolTask): void;
  abortedByCaller(task: PoolTask, reason: unknown): void;
}

/** A task from its arrival to the end of its function; what its function is told. */
export class PoolTask extends LeveledNode implements TaskContext {
  readonly queuedAt: number;
  startedAt = 0;
  state: 'waiting' | 'running' | 'answered' = 'waiting';
  readonly timeoutMs: number | undefined;
  private readonly inContext: InContext | undefined;
  private readonly host: TaskHost;
  private readonly fn: (context: TaskContext) => unknown;
  private readonly resolve: (value: unknown) => void;
  private readonly reject: (error: unknown) => void;
  private callerSignal: AbortSignal | undefined = undefined;
  private subscription: CallerAbort | undefined = undefined;
  private limit: TaskLimit | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private aborted: { readonly reason: unknown } | undefined = undefined;

  constructor(
    host: TaskHost,
    fn: (context: TaskContext) => unknown,
    level: number,
    timeoutMs: number | undefined,
    now: number,
    resolve: (value: never) => void,
    reject: (error: unknown) => void,
  ) {
    super(level);
    this.host = host;
    this.fn = fn;
    this.timeoutMs = timeoutMs;
    this.queuedAt = now;
    this.inContext = callContexts.capture?.();
    this.resolve = resolve as (value: unknown) => void;
    this.reject = reject;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.aborted !== undefined) this.controller.abort(this.aborted.reason);
    }
    return this.controller.signal;
  }

  /** The caller's signal, where it has been aborted. */
  get abortedSignal(): AbortSignal | undefined {
    return this.callerSignal?.aborted === true ? this.callerSignal : undefined;
  }

  /** Ends the task when its caller's signal is aborted. */
  listenTo(signal: AbortSignal): void {
    this.callerSignal = signal;
    this.subscription = new CallerAbort(this, this.host);
    this.subscription.subscribe(signal);
  }

  /** Does something in what surrounded the caller, where that is kept: another task may have set this one going. */
  within(action: () => void): void {
    if (this.inContext === undefined) action();
    else this.inContext(action);
  }

  /** Calls the function; `lane` limits its time. */
  start(now: number, lane: TimeoutLane | undefined): void {
    this.state = 'running';
    this.startedAt = now;
    if (lane !== undefined) lane.add((this.limit = new TaskLimit(this, this.host, lane)));
    if (this.inContext === undefined) this.run();
    else this.inContext(() => this.run());
  }

  private run(): void {
    let result: unknown;
    try {
      result = this.fn(this);
      if (isThenable(result)) {
        const promise = result instanceof Promise ? result : Promise.resolve(result);
        promise.then(
          (value: unknown) => this.host.functionEnded(this, true, value),
          (error: unknown) => this.host.functionEnded(this, false, error),
        );
        return;
      }
    } catch (error) {
      this.host.functionEnded(this, false, error);
      return;
    }
    this.host.functionEnded(this, true, result);
  }

  /** Answers the caller, once. */
  answer(ok: boolean, result: unknown): void {
    this.state = 'answered';
    this.limit?.lane.remove(this.limit);
    if (this.callerSignal !== undefined) this.subscription!.unsubscribe(this.callerSignal);
    if (ok) this.resolve(result);
    else this.reject(result);
  }

  /** Tells the function that its result is no longer wanted. */
  abort(reason: unknown): void {
    this.aborted = { reason };
    this.controller?.abort(reason);
  }
}

class TaskLimit extends TimeoutEntry {
  readonly lane: TimeoutLane;
  private readonly task: PoolTask;
  private readonly host: TaskHost;

  constructor(task: PoolTask, host: TaskHost, lane: TimeoutLane) {
    super();
    this.task = task;
    this.host = host;
    this.lane = lane;
  }

  override onTimeout(): void {
    this.host.timedOut(this.task);
  }
}

class CallerAbort extends AbortSubscription {
  private readonly task: PoolTask;
  private readonly host: TaskHost;

  constructor(task: PoolTask, host: TaskHost) {
    super();
    this.task = task;
    this.host = host;
  }

  override onAbort(reason: unknown): void {
    this.host.abortedByCaller(this.task, reason);
  }
}
