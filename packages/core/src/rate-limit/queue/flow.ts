import { IntrusiveList, ListNode } from '../../structures/intrusive-list.ts';
import { PRIORITY_LEVELS } from '../../policy/priority.ts';
import type { Due } from './due-heap.ts';
import type { Waiter } from './waiter.ts';

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

/**
 * The flows of one level, one after the other: deficit round robin (Shreedhar and Varghese, SIGCOMM 1995). A flow whose
 * turn comes may take as much as the largest request that has been seen, and what it could not use it keeps for its next
 * turn, so that clients with small and with large requests get equal shares. Everything is O(1).
 */
export class Round {
  private readonly flows: IntrusiveList<Flow> = new IntrusiveList();
  private quantum = 0;

  get isEmpty(): boolean {
    return this.flows.isEmpty;
  }

  /** Lets `flow`, which has something that waits, take part. */
  join(flow: Flow): void {
    if (flow.isLinked) return;
    if (this.flows.isEmpty) this.quantum = 0;
    flow.inTurn = false;
    this.flows.append(flow);
  }

  /** Takes `flow` out of the round. */
  leave(flow: Flow): void {
    this.flows.remove(flow);
    flow.inTurn = false;
    // A flow that comes back has no claim from before.
    if (flow.waiting.isEmpty) flow.deficit = 0;
    else flow.deficit = Math.min(flow.deficit, this.quantum);
  }

  /** Whose turn it is. */
  current(): Flow | undefined {
    const flow = this.flows.first;
    if (flow === undefined) return undefined;
    const { weight } = flow.waiting.first!;
    this.quantum = Math.max(this.quantum, weight);
    if (!flow.inTurn) {
      flow.inTurn = true;
      flow.deficit += this.quantum;
    }
    // Its first request may have become a larger one since, when another has left.
    if (flow.deficit < weight) flow.deficit = weight;
    return flow;
  }

  /** `flow`, whose turn it was, has taken `weight`: its turn ends when the next request is too large for what is left. */
  served(flow: Flow, weight: number): void {
    if (flow.inTurn) flow.deficit -= weight;
    const next = flow.waiting.first;
    if (next === undefined) return this.leave(flow);
    if (!flow.inTurn || next.weight <= flow.deficit) return;
    flow.inTurn = false;
    this.flows.remove(flow);
    this.flows.append(flow);
  }
}
