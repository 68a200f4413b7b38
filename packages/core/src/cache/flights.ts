import type { Flight } from './flight.ts';
import type { LoadRequest } from './waiter.ts';

/**
 * Flights by their keys. The first stands beside the map: most often it is the only one, and a map that is emptied each
 * time costs as much as the rest of a flight.
 */
class Lot<Value> {
  private first: Flight<Value> | undefined = undefined;
  private readonly others: Map<string, Flight<Value>> = new Map();

  get isEmpty(): boolean {
    return this.first === undefined && this.others.size === 0;
  }

  get(text: string): Flight<Value> | undefined {
    const { first } = this;
    return first !== undefined && first.request.text === text ? first : this.others.get(text);
  }

  /** Adds a flight whose key has none. */
  add(flight: Flight<Value>): void {
    if (this.first === undefined) this.first = flight;
    else this.others.set(flight.request.text, flight);
  }

  /** False when it isn't here. */
  remove(flight: Flight<Value>): boolean {
    if (this.first === flight) {
      this.first = undefined;
      return true;
    }
    const { text } = flight.request;
    return this.others.get(text) === flight && this.others.delete(text);
  }

  all(): Flight<Value>[] {
    const others = [...this.others.values()];
    return this.first === undefined ? others : [this.first, ...others];
  }
}

/** The flights of a cache: at most one a key that loads, and one that only looks; and those that nobody may board any more. */
export class Flights<Value> {
  private readonly loads: Lot<Value> = new Lot();
  private readonly looks: Lot<Value> = new Lot();
  /** Those that an invalidation has cut off, and that still run. */
  private readonly cutOff: Set<Flight<Value>> = new Set();
  private idle: (() => void)[] = [];

  /** All that run. */
  get all(): Flight<Value>[] {
    return [...this.loads.all(), ...this.looks.all(), ...this.cutOff];
  }

  isLoading(text: string): boolean {
    return this.loads.get(text) !== undefined;
  }

  /** The flight that serves such a request. */
  of(request: LoadRequest<Value>): Flight<Value> | undefined {
    return this.lot(request).get(request.text);
  }

  /** Adds a flight that serves requests from now on, where there is none. */
  add(flight: Flight<Value>): void {
    this.lot(flight.request).add(flight);
    flight.lane.add(flight);
  }

  /** It has ended. */
  remove(flight: Flight<Value>): void {
    flight.ended = true;
    flight.lane.remove(flight);
    if (!this.lot(flight.request).remove(flight)) this.cutOff.delete(flight);
    if (this.idle.length > 0 && this.isEmpty) this.tellIdle();
  }

  /** What runs for this key is not kept and serves nobody who comes later. */
  fence(text: string): void {
    this.cut(this.loads, this.loads.get(text));
    this.cut(this.looks, this.looks.get(text));
  }

  /** The same for every key. */
  fenceAll(): void {
    for (const lot of [this.loads, this.looks]) {
      for (const flight of lot.all()) this.cut(lot, flight);
    }
  }

  /** Calls `callback` when none runs. */
  whenIdle(callback: () => void): void {
    if (this.isEmpty) callback();
    else this.idle.push(callback);
  }

  private get isEmpty(): boolean {
    return this.loads.isEmpty && this.looks.isEmpty && this.cutOff.size === 0;
  }

  private tellIdle(): void {
    const callbacks = this.idle;
    this.idle = [];
    for (const callback of callbacks) callback();
  }

  private cut(lot: Lot<Value>, flight: Flight<Value> | undefined): void {
    if (flight === undefined) return;
    flight.invalidated = true;
    lot.remove(flight);
    this.cutOff.add(flight);
  }

  private lot({ loader }: LoadRequest<Value>): Lot<Value> {
    return loader === undefined ? this.looks : this.loads;
  }
}
