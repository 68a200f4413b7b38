/**
 * Ejects outliers: an endpoint whose calls fail much more often than those of the others is asked last for a while.
 *
 * A breaker looks at one endpoint alone and needs a clear failure; this compares. When all fail alike, the trouble is
 * not theirs (a bad deployment, a dependency that they share) and none is ejected. At most a part of them is ejected at a
 * time, so that the rest is not crushed by the load of all. The idea and the growing time are those of Envoy's outlier
 * detection; the median takes the place of mean and deviation, which say little of three endpoints.
 */
import type { Clock } from '../clock/clock.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointEjectedEvent, EndpointReturnedEvent } from './events.ts';
import type { ResolvedFailoverOptions } from './options.ts';

const LONGEST_EJECTION = 10;

/** Who is told. */
export interface OutlierObserver<E> {
  ejected(event: EndpointEjectedEvent<E>): void;
  returned(event: EndpointReturnedEvent<E>): void;
}

/** Knows which of its endpoints are ejected. */
export class Outliers<E> {
  private readonly endpoints: readonly Endpoint<E>[];
  private readonly options: ResolvedFailoverOptions;
  private readonly clock: Clock;
  private readonly observer: OutlierObserver<E>;
  private readonly maxEjected: number;

  constructor(
    endpoints: readonly Endpoint<E>[],
    options: ResolvedFailoverOptions,
    clock: Clock,
    observer: OutlierObserver<E>,
  ) {
    this.endpoints = endpoints;
    this.options = options;
    this.clock = clock;
    this.observer = observer;
    this.maxEjected = Math.floor(endpoints.length * options.maxEjectedRatio);
  }

  /** Whether it is ejected; the end of an ejection is noticed by who asks. */
  isEjected(endpoint: Endpoint<E>): boolean {
    if (!endpoint.isEjected) return false;
    if (endpoint.ejectedUntil > this.clock.now()) return true;
    endpoint.isEjected = false;
    this.observer.returned({ endpoint: endpoint.value });
    return false;
  }

  /** Looks at an endpoint that has just failed. */
  judge(endpoint: Endpoint<E>): void {
    if (this.maxEjected === 0 || this.isEjected(endpoint)) return;
    const { minThroughput, ejectRatio, ejectFactor } = this.options;
    const { failureRatio } = endpoint;
    if (endpoint.throughput < minThroughput || failureRatio < ejectRatio) return;
    const others = this.endpoints.filter((other) => other !== endpoint && !this.isEjected(other));
    if (this.endpoints.length - others.length > this.maxEjected) return;
    const othersRatio = median(others.map((other) => other.failureRatio));
    if (failureRatio >= ejectFactor * othersRatio) this.eject(endpoint, failureRatio, othersRatio);
  }

  private eject(endpoint: Endpoint<E>, failureRatio: number, othersRatio: number): void {
    const now = this.clock.now();
    const { ejectionMs: baseMs } = this.options;
    // It has proven itself when it was in for as long as it had been out.
    const lastMs = baseMs * durationFactor(endpoint.ejections);
    if (now - endpoint.ejectedUntil >= lastMs) endpoint.ejections = 0;
    endpoint.ejections++;
    const ejectionMs = baseMs * durationFactor(endpoint.ejections);
    endpoint.ejectedUntil = now + ejectionMs;
    endpoint.isEjected = true;
    endpoint.forget();
    this.observer.ejected({ endpoint: endpoint.value, failureRatio, othersRatio, ejectionMs });
  }
}

/** 1, 2, 4, 8, 10, 10, … */
function durationFactor(ejections: number): number {
  return ejections === 0 ? 0 : Math.min(LONGEST_EJECTION, 2 ** (ejections - 1));
}

/** Of an even number the lower of the two in the middle: in doubt the others are taken to do well. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? 0;
}
