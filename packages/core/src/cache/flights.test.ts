import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimeoutQueue } from '../clock/timeout-queue.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { Flight, type FlightObserver } from './flight.ts';
import { Flights } from './flights.ts';
import { resolveCacheOptions } from './options.ts';
import type { LoadRequest } from './waiter.ts';

const nothing = (): void => undefined;
const observer: FlightObserver<number> = {
  softTimeout: nothing,
  hardTimeout: nothing,
  loadTimedOut: nothing,
  tierAnswered: nothing,
  tierFailed: nothing,
};
const options = resolveCacheOptions<number>({});

const requestOf = (text: string, loads: boolean): LoadRequest<number> => ({
  key: text,
  text,
  loader: loads ? () => 1 : undefined,
  options,
});

type Step =
  | { readonly does: 'add' | 'remove'; readonly key: string; readonly loads: boolean }
  | { readonly does: 'fence'; readonly key: string }
  | { readonly does: 'fence all' };

const key = fc.constantFrom('a', 'b', 'c');
const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ does: fc.constantFrom('add', 'remove'), key, loads: fc.boolean() }),
    fc.record({ does: fc.constant('fence'), key }),
    fc.record({ does: fc.constant('fence all') }),
  ),
  { maxLength: 40 },
);

/** The flights, beside a list of all that run and a map of those that may be boarded. */
class Both {
  readonly flights: Flights<number> = new Flights();
  readonly running: Set<Flight<number>> = new Set();
  readonly open: Map<string, Flight<number>> = new Map();
  private readonly lane = new TimeoutQueue(new VirtualClock()).lane(1_000);

  take(step: Step): void {
    if (step.does === 'fence all') {
      this.flights.fenceAll();
      for (const name of this.open.keys()) this.cut(name);
    } else if (step.does === 'fence') {
      this.flights.fence(step.key);
      for (const loads of [true, false]) this.cut(`${step.key} ${loads}`);
    } else if (step.does === 'add') this.add(requestOf(step.key, step.loads), `${step.key} ${step.loads}`);
    else
      this.end(
        [...this.running].find(
          ({ request }) => request.text === step.key && (request.loader !== undefined) === step.loads,
        ),
      );
  }

  end(flight: Flight<number> | undefined): void {
    if (flight === undefined) return;
    this.flights.remove(flight);
    this.running.delete(flight);
    for (const [name, other] of this.open) if (other === flight) this.open.delete(name);
  }

  private add(request: LoadRequest<number>, name: string): void {
    if (this.open.has(name)) return;
    const flight = new Flight(observer, this.lane, request, undefined, 0, 0);
    this.flights.add(flight);
    this.running.add(flight);
    this.open.set(name, flight);
  }

  private cut(name: string): void {
    const flight = this.open.get(name);
    this.open.delete(name);
    if (flight !== undefined) expect(flight.invalidated).toBe(true);
  }
}

describe('flights', () => {
  it('are found by their keys until they end or are cut off, and counted until they end', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const both = new Both();
        for (const step of all) {
          both.take(step);
          for (const text of ['a', 'b', 'c']) {
            const [load, look] = [both.open.get(`${text} true`), both.open.get(`${text} false`)];
            expect([both.flights.of(requestOf(text, true)), both.flights.of(requestOf(text, false))]).toEqual([
              load,
              look,
            ]);
            expect(both.flights.isLoading(text)).toBe(load !== undefined);
          }
          expect(new Set(both.flights.all)).toEqual(both.running);
        }
      }),
      propertyRuns(300),
    );
  });

  it('tell once when the last of them has ended, those included that were cut off', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const both = new Both();
        for (const step of all) both.take(step);
        let told = 0;
        both.flights.whenIdle(() => told++);
        for (const flight of both.running) {
          expect(told).toBe(0);
          both.end(flight);
        }
        expect(told).toBe(1);
      }),
      propertyRuns(100),
    );
  });
});
