import { PRIORITY_LEVELS } from '../../policy/priority.ts';
import { TimeoutEntry, type TimeoutLane } from '../../clock/timeout-queue.ts';
import { IntrusiveList, ListNode } from '../../structures/intrusive-list.ts';
import { LeveledNode } from '../../structures/level-queue.ts';
import type { Costs } from '../cost.ts';
import type { RateLimitDecision } from '../decision.ts';
import type { RateLimitReason } from '../errors.ts';
import type { LimiterKey } from '../keys/limiter-key.ts';
import type { Due } from '../../structures/due-heap.ts';

/** What is asked by somebody who may have to wait. */
export interface AdmissionRequest {
  readonly key: LimiterKey | undefined;
  readonly costs: Costs;
  /** The level of its priority, 0 (critical) to 4 (batch). */
  readonly level: number;
  /** Who asks, where fairness is to tell apart others than keys. */
  readonly client: string | undefined;
  /** Whether its cost is an estimate that will be settled. */
  readonly settles: boolean;
}

/** A request that waits for its turn. What becomes of it is told once: admitted, or refused. */
export abstract class Waiter extends ListNode {
  readonly request: AdmissionRequest;
  /** @internal Its place in the order of arrival, over all levels. */
  sequence = 0;
  /** @internal When it began to wait. */
  queuedAt = 0;
  /** @internal How much of the scarcest limit it takes, as a ratio of what fits at once. */
  weight = 0;
  /** @internal Which contest it waits in. */
  contestKey: string | undefined = undefined;
  /** @internal Whom it waits with; undefined when it does not wait. */
  flow: Flow | undefined = undefined;
  /** @internal Ends its wait, where that has a bound. */
  expiry: WaitExpiry | undefined = undefined;
  /** @internal Its place among all who wait, where a full queue makes room. */
  arrival: Arrival | undefined = undefined;

  constructor(request: AdmissionRequest) {
    super();
    this.request = request;
  }

  /** Its cost has been taken. Must not throw. */
  abstract admitted(decision: RateLimitDecision, waitedMs: number): void;
  /** It has left the queue without. Must not throw. */
  abstract refused(reason: RateLimitReason, retryAfterMs: number, waitedMs: number): void;
}

/** The place of a waiter in a second list: a node can be in one only. */
export class Arrival extends LeveledNode {
  readonly waiter: Waiter;

  constructor(waiter: Waiter) {
    super(waiter.request.level);
    this.waiter = waiter;
  }
}

/** The bound of a wait: more urgent newcomers may have made a wait longer than it was going to be. */
export class WaitExpiry extends TimeoutEntry {
  private readonly lane: TimeoutLane;
  private readonly expire: () => void;

  constructor(lane: TimeoutLane, expire: () => void) {
    super();
    this.lane = lane;
    this.expire = expire;
    lane.add(this);
  }

  cancel(): void {
    this.lane.remove(this);
  }

  override onTimeout(): void {
    this.expire();
  }
}

/** The requests of one client on one level, in order of arrival. */
export class Flow extends ListNode {
  readonly client: Client;
  readonly level: number;
  readonly waiting: IntrusiveList<Waiter> = new IntrusiveList();
  /** What it may still take in this round, in weights. */
  deficit = 0;
  /** Whether it is this flow's turn in the round, so that its deficit has been topped up. */
  inTurn = false;

  constructor(client: Client, level: number) {
    super();
    this.client = client;
    this.level = level;
  }
}

/**
 * One client in a contest. While a limit of its own holds it back it is parked: its flows stand in no round, and the
 * others go past it.
 */
export class Client implements Due {
  readonly name: string | undefined;
  readonly flows: (Flow | undefined)[] = new Array<Flow | undefined>(PRIORITY_LEVELS).fill(undefined);
  /** How many of its requests wait. */
  waiting = 0;
  /** What they cost, level by level and limit by limit. */
  readonly costs: Float64Array;
  isParked = false;
  dueAt: number = Infinity;
  heapIndex = -1;

  constructor(name: string | undefined, limits: number) {
    this.name = name;
    this.costs = new Float64Array(PRIORITY_LEVELS * limits);
  }

  /** Whether one of its requests on `level` or a more urgent one waits. */
  waitsAtLeast(level: number): boolean {
    for (let at = 0; at <= level; at++) if (this.flows[at]?.waiting.isEmpty === false) return true;
    return false;
  }
}
