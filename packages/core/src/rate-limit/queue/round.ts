import { IntrusiveList } from '../../structures/intrusive-list.ts';
import type { Flow } from './waiter.ts';

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
