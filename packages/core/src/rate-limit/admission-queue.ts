/**
 * The queue of a limiter. Each key has its own order of waiting, because only requests of one key compete for the same
 * budget; a heap knows which key is due first, and one timer waits for that one, however many wait. A wait costs nothing
 * in the limiter until its turn comes, so leaving the queue has nothing to give back.
 */
import type { Clock, Timer } from '../clock/clock.ts';
import { timeoutQueueOf } from '../clock/timeout-queue.ts';
import type { LimitAlgorithm } from './algorithm.ts';
import type { RateLimitDecision } from './decision.ts';
import { DueHeap } from './due-heap.ts';
import { KeyQueue } from './key-queue.ts';
import { WaitExpiry, type Waiter } from './waiter.ts';

/** Told how waits end, for statistics. */
export interface QueueObserver {
  waitEnded(ending: 'admitted' | 'expired' | 'withdrawn', waitedMs: number): void;
}

export class AdmissionQueue {
  readonly #algorithm: LimitAlgorithm;
  readonly #clock: Clock;
  readonly #observer: QueueObserver;
  readonly #queues: Map<string | undefined, KeyQueue> = new Map();
  readonly #heap: DueHeap = new DueHeap();
  #size = 0;
  #sequence = 0;
  #timer: Timer | undefined = undefined;
  #timerDueAt = Infinity;
  #serving = false;

  constructor(algorithm: LimitAlgorithm, clock: Clock, observer: QueueObserver) {
    this.#algorithm = algorithm;
    this.#clock = clock;
    this.#observer = observer;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Whether a newcomer of `level` has to wait behind somebody with the same key. */
  blocks(key: string | undefined, level: number): boolean {
    return this.#queues.get(key)?.blocks(level) ?? false;
  }

  /** How long a newcomer will wait, if nobody more urgent comes. */
  predictedWaitMs(key: string | undefined, cost: number, level: number, now: number): number {
    const ahead = this.#queues.get(key)?.costAhead(level) ?? 0;
    return this.#algorithm.waitMs(key, ahead + cost, now);
  }

  /** A newcomer of `level` was let through at once: it may have passed somebody over. */
  passed(key: string | undefined, level: number): void {
    this.#queues.get(key)?.served(level);
  }

  /** Puts `waiter` at the end of its class, for at most `maxWaitMs`. */
  add(waiter: Waiter, maxWaitMs: number, now: number): void {
    let queue = this.#queues.get(waiter.key);
    if (queue === undefined) this.#queues.set(waiter.key, (queue = new KeyQueue(waiter.key)));
    waiter.sequence = this.#sequence++;
    waiter.queuedAt = now;
    if (maxWaitMs !== Infinity) {
      waiter.expiry = new WaitExpiry(timeoutQueueOf(this.#clock).lane(maxWaitMs), () => this.#expire(waiter));
    }
    queue.append(waiter);
    this.#size++;
    if (queue.head() === waiter) this.#schedule(queue, now);
    this.#arm(now);
  }

  /** Takes `waiter` out of the queue; false when it does not wait any more. */
  withdraw(waiter: Waiter): boolean {
    return this.#leave(waiter, 'withdrawn');
  }

  /** The budget of `key` has changed otherwise than by time. */
  refresh(key: string | undefined): void {
    const queue = this.#queues.get(key);
    if (queue === undefined) return;
    const now = this.#clock.now();
    this.#schedule(queue, now);
    this.#arm(now);
  }

  #expire(waiter: Waiter): void {
    // Who is due at this very moment is not too late.
    this.#serve();
    if (!waiter.isLinked) return;
    const now = this.#clock.now();
    this.#leave(waiter, 'expired');
    waiter.refused('wait', this.predictedWaitMs(waiter.key, waiter.cost, waiter.level, now), now - waiter.queuedAt);
  }

  #leave(waiter: Waiter, ending: 'expired' | 'withdrawn'): boolean {
    const queue = this.#queues.get(waiter.key);
    if (queue === undefined || !waiter.isLinked) return false;
    const wasHead = queue.head() === waiter;
    if (!queue.remove(waiter)) return false;
    const now = this.#clock.now();
    this.#left(queue, waiter);
    this.#observer.waitEnded(ending, now - waiter.queuedAt);
    // A next one that costs no less is not due earlier: the timer may come too early for it, never too late.
    if (wasHead && (queue.head()?.cost ?? Infinity) < waiter.cost) this.#schedule(queue, now);
    this.#arm(now);
    return true;
  }

  #left(queue: KeyQueue, waiter: Waiter): void {
    this.#size--;
    waiter.expiry?.cancel();
    if (queue.size > 0) return;
    this.#heap.remove(queue);
    this.#queues.delete(queue.key);
  }

  /** Notes when the head of `queue` may try. */
  #schedule(queue: KeyQueue, now: number): void {
    queue.dueAt = now + this.#algorithm.waitMs(queue.key, queue.head()!.cost, now);
    this.#heap.place(queue);
  }

  #arm(now: number): void {
    if (this.#serving) return;
    const dueAt = this.#heap.first?.dueAt ?? Infinity;
    // A timer that comes too early looks and goes to sleep again; setting it anew for each of many who leave costs more.
    if (this.#timer !== undefined && dueAt !== Infinity && this.#timerDueAt <= dueAt) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (dueAt === Infinity) return;
    this.#timerDueAt = dueAt;
    this.#timer = this.#clock.setTimer(Math.max(0, dueAt - now), () => {
      this.#timer = undefined;
      this.#serve();
    });
  }

  /** Lets through everybody who is due. What they do at once may come back here: nothing is kept from turn to turn. */
  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    const now = this.#clock.now();
    for (let queue = this.#heap.first; queue !== undefined && queue.dueAt <= now; queue = this.#heap.first) {
      this.#serveHead(queue, now);
    }
    this.#serving = false;
    this.#arm(now);
  }

  #serveHead(queue: KeyQueue, now: number): void {
    const head = queue.head()!;
    const decision = this.#algorithm.decide(queue.key, head.cost, now, true);
    if (!decision.allowed) {
      const dueAt = now + decision.retryAfterMs;
      // Where the clock's numbers are too large to tell them apart.
      queue.dueAt = dueAt > now ? dueAt : now + 1;
      this.#heap.place(queue);
      return;
    }
    queue.remove(head);
    this.#left(queue, head);
    queue.served(head.level);
    if (queue.size > 0) {
      queue.dueAt = now;
      this.#heap.place(queue);
    }
    this.#admit(head, decision, now - head.queuedAt);
  }

  #admit(head: Waiter, decision: RateLimitDecision, waitedMs: number): void {
    this.#observer.waitEnded('admitted', waitedMs);
    head.admitted(decision, waitedMs);
  }
}
