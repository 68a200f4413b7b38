/**
 * Those who wait for a budget that they share. Strictly by priority, in equal shares between the clients of one
 * priority, and first in, first out for each client; but for a floor of 2 %: of what goes to more urgent requests, a
 * fiftieth is kept for whoever has waited longest of the less urgent, so that a stream of urgent requests that takes all
 * there is does not starve the rest for ever.
 *
 * A client that a limit of its own holds back is parked until that lets it go on, and is in nobody's way.
 */
import { PRIORITY_LEVELS } from '../../policy/priority.ts';
import { costAt } from '../cost.ts';
import { type Due, DueHeap } from '../../structures/due-heap.ts';
import { Round } from './round.ts';
import { Client, Flow, type Waiter } from './waiter.ts';

/** Of so much that is served while somebody is passed over, one part is his: a floor of 2 %. */
const FLOOR_PARTS = 50;
/** Sums of weights drift; a turn must not come late for a billionth. */
const TOLERANCE = 1e-9;

export class Contest implements Due {
  readonly key: string | undefined;
  /** When the next one may try, in monotonic milliseconds. */
  dueAt: number = Infinity;
  heapIndex = -1;
  /** How many wait. */
  size = 0;
  private readonly limits: number;
  private readonly rounds: readonly Round[] = Array.from({ length: PRIORITY_LEVELS }, () => new Round());
  private readonly clients: Map<string | undefined, Client> = new Map();
  private readonly parked: DueHeap<Client> = new DueHeap();
  /** What all who wait cost, level by level and limit by limit. */
  private readonly costs: Float64Array;
  private passedOver = 0;

  constructor(key: string | undefined, limits: number) {
    this.key = key;
    this.limits = limits;
    this.costs = new Float64Array(PRIORITY_LEVELS * limits);
  }

  /** When the first of the parked clients may go on. */
  get parkedUntil(): number {
    return this.parked.first?.dueAt ?? Infinity;
  }

  /** Puts `waiter` at the end of its flow. */
  append(waiter: Waiter, clientName: string | undefined): void {
    const { level } = waiter.request;
    let client = this.clients.get(clientName);
    if (client === undefined) this.clients.set(clientName, (client = new Client(clientName, this.limits)));
    const flow = (client.flows[level] ??= new Flow(client, level));
    waiter.contestKey = this.key;
    waiter.flow = flow;
    flow.waiting.append(waiter);
    client.waiting++;
    this.size++;
    this.count(waiter, client, 1);
    if (!client.isParked) this.rounds[level]!.join(flow);
  }

  /** Takes `waiter` out; `isServed` when because its turn has come. */
  remove(waiter: Waiter, isServed: boolean): void {
    const flow = waiter.flow!;
    const { client, level } = flow;
    flow.waiting.remove(waiter);
    waiter.flow = undefined;
    client.waiting--;
    this.size--;
    this.count(waiter, client, -1);
    if (isServed) this.rounds[level]!.served(flow, waiter.weight);
    else if (flow.waiting.isEmpty && flow.isLinked) this.rounds[level]!.leave(flow);
    if (client.waiting > 0) return;
    this.parked.remove(client);
    this.clients.delete(client.name);
  }

  /** Whose turn it is; undefined when nobody may try before {@link Contest.parkedUntil}. */
  turn(): Waiter | undefined {
    for (let level = 0; level < PRIORITY_LEVELS; level++) {
      const urgent = this.rounds[level]!.current()?.waiting.first;
      if (urgent === undefined) continue;
      return this.floorTurnBelow(level) ?? urgent;
    }
    return undefined;
  }

  /** Whether a newcomer has to wait behind somebody. */
  blocks(clientName: string | undefined, level: number): boolean {
    if (this.clients.get(clientName)?.waitsAtLeast(level) === true) return true;
    for (let at = 0; at <= level; at++) if (!this.rounds[at]!.isEmpty) return true;
    return this.floorTurnBelow(level) !== undefined;
  }

  /** Somebody of `level` was let through, from the queue or past it. */
  served(level: number, weight: number): void {
    let isUrgent = true;
    let passesOver = false;
    for (let at = 0; at < PRIORITY_LEVELS; at++) {
      if (this.rounds[at]!.isEmpty) continue;
      if (at < level) isUrgent = false;
      if (at > level) passesOver = true;
    }
    if (!isUrgent) this.passedOver = Math.max(0, this.passedOver - (FLOOR_PARTS - 1) * weight);
    else if (passesOver) this.passedOver += weight;
    else this.passedOver = 0;
  }

  /** Sets `client` aside until `dueAt`: a limit of its own holds it back. */
  park(client: Client, dueAt: number): void {
    for (const flow of client.flows) if (flow?.isLinked === true) this.rounds[flow.level]!.leave(flow);
    client.isParked = true;
    client.dueAt = dueAt;
    this.parked.place(client);
  }

  /** Lets those go on whose time has come. */
  unpark(now: number): void {
    for (let client = this.parked.first; client !== undefined && client.dueAt <= now; client = this.parked.first) {
      this.letGoOn(client);
    }
  }

  /** Lets `client` go on, whatever held it back. */
  letGoOn(client: Client): void {
    this.parked.remove(client);
    client.isParked = false;
    for (const flow of client.flows) if (flow?.waiting.isEmpty === false) this.rounds[flow.level]!.join(flow);
  }

  /**
   * What those cost who come before a newcomer that costs `cost`, in the limit at `index`.
   *
   * @param shared Whether the whole contest shares that limit. Of one's own class, others come before as far as their
   *   shares are equal.
   */
  costAhead(clientName: string | undefined, level: number, index: number, cost: number, shared: boolean): number {
    const client = this.clients.get(clientName);
    const own = client?.costs[level * this.limits + index] ?? 0;
    let ahead = 0;
    const counted = shared ? this.costs : client?.costs;
    const floor = this.floorTurnBelow(level);
    if (floor !== undefined && (shared || floor.flow!.client === client)) ahead += costAt(floor.request.costs, index);
    if (counted === undefined) return ahead;
    for (let before = 0; before < level; before++) ahead += counted[before * this.limits + index]!;
    if (!shared) return ahead + own;
    const others = this.clients.size - (client === undefined ? 0 : 1);
    return ahead + Math.min(this.costs[level * this.limits + index]!, own + others * (own + cost));
  }

  private count({ request }: Waiter, client: Client, sign: 1 | -1): void {
    for (let index = 0; index < this.limits; index++) {
      const at = request.level * this.limits + index;
      const cost = sign * costAt(request.costs, index);
      client.costs[at]! += cost;
      // Sums of fractions drift; nobody who waits costs nothing.
      this.costs[at] = this.size === 0 ? 0 : this.costs[at]! + cost;
    }
  }

  /** Who has been passed over long enough by those of `level` and above to go before them; undefined when nobody has. */
  private floorTurnBelow(level: number): Waiter | undefined {
    if (this.passedOver === 0) return undefined;
    const longest = this.longestBelow(level);
    if (longest === undefined) return undefined;
    const isItsTurn = this.passedOver * (1 + TOLERANCE) >= (FLOOR_PARTS - 1) * longest.weight;
    return isItsTurn ? longest : undefined;
  }

  private longestBelow(level: number): Waiter | undefined {
    let longest: Waiter | undefined;
    for (let below = level + 1; below < PRIORITY_LEVELS; below++) {
      const first = this.rounds[below]!.current()?.waiting.first;
      if (first !== undefined && (longest === undefined || first.sequence < longest.sequence)) longest = first;
    }
    return longest;
  }
}
