import type { Flight } from './flight.ts';
import type { LoadRequest } from './waiter.ts';

/** The flights of a cache: at most one a key that loads, and one that only looks; and those that nobody may board any more. */
export class Flights<Value> {
  private readonly loads: Map<string, Flight<Value>> = new Map();
  private readonly looks: Map<string, Flight<Value>> = new Map();
  /** Those that an invalidation has cut off, and that still run. */
  private readonly cutOff: Set<Flight<Value>> = new Set();
  private idle: (() => void)[] = [];

  /** All that run. */
  get all(): Flight<Value>[] {
    return [...this.loads.values(), ...this.looks.values(), ...this.cutOff];
  }

  isLoading(text: string): boolean {
    return this.loads.has(text);
  }

  /** The flight that serves such a request. */
  of(request: LoadRequest<Value>): Flight<Value> | undefined {
    return this.lot(request).get(request.text);
  }

  add(flight: Flight<Value>): void {
    this.lot(flight.request).set(flight.request.text, flight);
    flight.lane.add(flight);
  }

  /** It has ended. */
  remove(flight: Flight<Value>): void {
    flight.ended = true;
    flight.lane.remove(flight);
    const lot = this.lot(flight.request);
    if (lot.get(flight.request.text) === flight) lot.delete(flight.request.text);
    else this.cutOff.delete(flight);
    if (this.idle.length > 0 && this.isEmpty) this.tellIdle();
  }

  /** What runs for this key is not kept and serves nobody who comes later. */
  fence(text: string): void {
    for (const lot of [this.loads, this.looks]) {
      const flight = lot.get(text);
      if (flight === undefined) continue;
      this.cut(flight);
      lot.delete(text);
    }
  }

  /** The same for every key. */
  fenceAll(): void {
    for (const lot of [this.loads, this.looks]) {
      for (const flight of lot.values()) this.cut(flight);
      lot.clear();
    }
  }

  /** Calls `callback` when none runs. */
  whenIdle(callback: () => void): void {
    if (this.isEmpty) callback();
    else this.idle.push(callback);
  }

  private get isEmpty(): boolean {
    return this.loads.size === 0 && this.looks.size === 0 && this.cutOff.size === 0;
  }

  private tellIdle(): void {
    const callbacks = this.idle;
    this.idle = [];
    for (const callback of callbacks) callback();
  }

  private cut(flight: Flight<Value>): void {
    flight.invalidated = true;
    this.cutOff.add(flight);
  }

  private lot({ loader }: LoadRequest<Value>): Map<string, Flight<Value>> {
    return loader === undefined ? this.looks : this.loads;
  }
}
