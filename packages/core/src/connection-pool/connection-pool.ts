import type { Clock } from '../clock/clock.ts';
import { systemRandom } from '../clock/random.ts';
import { systemClock } from '../clock/system-clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { withoutStack } from '../errors/rejection.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import { describe, resolveOptions } from '../options/resolve.ts';
import { positiveMilliseconds } from '../options/rules.ts';
import { PoolClosedError, PoolFullError, type PoolOccupancy, PoolTimeoutError } from './errors.ts';
import { LentResource } from './lease.ts';
import type { Member } from './member.ts';
import { type ConnectionPoolOptions, connectionPoolDefaults, connectionPoolRules } from './options.ts';
import type { AcquireOptions, ConnectionPool, ConnectionPoolEvents, Lease, PoolStatistics } from './pool-contract.ts';
import { agesOf, PoolRecords } from './pool-records.ts';
import { Population, type PopulationHost } from './population.ts';
import type { PoolSettings } from './resource-maker.ts';
import { Waiter } from './waiting-line.ts';

const positive = positiveMilliseconds();

/**
 * A pool of resources that are dear to make and can be used by one at a time: connections, sessions, browsers.
 *
 * @throws ConfigurationError
 */
export function connectionPool<Resource>(options: ConnectionPoolOptions<Resource>): ConnectionPool<Resource> {
  return new ResourcePool(options);
}

class ResourcePool<Resource> implements ConnectionPool<Resource>, PopulationHost<Resource> {
  readonly name: string;
  private readonly settings: PoolSettings<Resource>;
  private readonly clock: Clock;
  private readonly channel: OwnerChannel<ConnectionPoolEvents>;
  private readonly records: PoolRecords = new PoolRecords();
  private readonly population: Population<Resource>;
  private readonly checksAfterLoan: boolean;
  private closed = false;
  private whenDrained: (() => void)[] = [];
  private whenEmpty: (() => void)[] = [];

  constructor(given: ConnectionPoolOptions<Resource>) {
    this.settings = resolveOptions('connectionPool', given, connectionPoolDefaults, connectionPoolRules as never, [
      'create',
    ]);
    const { name, minSize, maxSize, clock, random, validate, validateAfterMs } = this.settings;
    if (minSize > maxSize) {
      const expected = `at most maxSize, which is ${maxSize}`;
      throw new ConfigurationError([{ path: 'connectionPool.minSize', expected, received: String(minSize) }]);
    }
    this.name = name;
    this.clock = clock ?? systemClock;
    this.channel = new OwnerChannel(name, () => this.clock);
    this.checksAfterLoan = validate !== undefined && validateAfterMs > 0;
    this.population = new Population(this.settings, this.clock, random ?? systemRandom, this.records, this);
    this.population.fill();
  }

  get statistics(): PoolStatistics {
    const { members, size, idleCount, inUse, creating, checking, ending, waiting } = this.population;
    return this.records.summary(
      { size, idle: idleCount, inUse, creating, checking, ending, waiting: waiting.length },
      agesOf(members, this.clock.now()),
    );
  }

  on(type: '*' | keyof ConnectionPoolEvents, listener: (event: never) => void): () => void {
    return this.channel.on(type as never, listener);
  }

  acquire(options?: AcquireOptions): Promise<Lease<Resource>> {
    const signal = options?.signal;
    const refused = this.refusal(options);
    if (refused !== undefined) return Promise.reject(refused);
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const { population } = this;
    const now = this.clock.now();
    const member = population.waiting.length === 0 ? population.takeReady(now) : undefined;
    if (member !== undefined) return Promise.resolve(this.lease(member, now, 0));
    const timeoutMs = options?.timeoutMs ?? this.settings.acquireTimeoutMs;
    const waiter = new Waiter<Lease<Resource>>(now, timeoutMs, signal);
    population.waiting.join(waiter);
    waiter.watch(
      population.lane(timeoutMs),
      () => this.tooLate(waiter),
      (reason) => this.leaves(waiter, reason),
    );
    population.supply();
    return waiter.promise;
  }

  async use<R>(fn: (resource: Resource) => R, options?: AcquireOptions): Promise<Awaited<R>> {
    const lease = await this.acquire(options);
    let value: Awaited<R>;
    try {
      value = await fn(lease.resource);
    } catch (error) {
      this.takeBackAfter(lease as unknown as LentResource<Resource>, error);
      throw error;
    }
    lease.release();
    return value;
  }

  drain(): Promise<void> {
    if (this.isDrained) return Promise.resolve();
    return new Promise((resolve) => void this.whenDrained.push(resolve));
  }

  close({ timeoutMs }: { readonly timeoutMs?: number | undefined } = {}): Promise<number> {
    if (timeoutMs !== undefined && !positive.accepts(timeoutMs)) return Promise.reject(timeFault('close', timeoutMs));
    this.closed = true;
    const { population } = this;
    for (let waiter = population.waiting.shift(); waiter !== undefined; waiter = population.waiting.shift())
      this.refuse(waiter, new PoolClosedError(this.name));
    population.close();
    return new Promise((resolve) => {
      let left = 0;
      const timer =
        timeoutMs === undefined ? undefined : this.clock.setTimer(timeoutMs, () => (left = population.endLeased()));
      this.whenEmpty.push(() => {
        timer?.cancel();
        resolve(left);
      });
      this.changed();
    });
  }

  // --- what the population tells ---

  lend(member: Member<Resource>, waiter: Waiter<Lease<Resource>>): void {
    const now = this.clock.now();
    waiter.within(() => waiter.resolve(this.lease(member, now, now - waiter.since)));
  }

  refuse(waiter: Waiter<Lease<Resource>>, error: unknown): void {
    const waitedMs = this.clock.now() - waiter.since;
    waiter.within(() => this.tell('acquire-failed', { error, waitedMs, outcome: 'failure' }));
    waiter.reject(error);
  }

  tell<Type extends keyof ConnectionPoolEvents>(type: Type, facts: ConnectionPoolEvents[Type]): void {
    const { debug } = this.settings;
    if (debug !== undefined) this.debug(debug, type, facts);
    this.channel.tell(type, facts);
  }

  /** Whether anybody is told of loans, which are many. */
  private tellsLoans(type: 'resource-acquired' | 'resource-released'): boolean {
    return this.settings.debug !== undefined || this.channel.wants(type);
  }

  changed(): void {
    if (this.whenDrained.length > 0 && this.isDrained) for (const tell of this.whenDrained.splice(0)) tell();
    if (this.closed && this.population.isEmpty) for (const tell of this.whenEmpty.splice(0)) tell();
  }

  // --- lending and taking back ---

  /** A lease is given back. */
  takeBack(member: Member<Resource>, broken: boolean): void {
    // The time to close may have been up meanwhile.
    if (member.state !== 'leased') return;
    const now = this.clock.now();
    const usedMs = now - member.since;
    this.records.returned(usedMs);
    if (this.tellsLoans('resource-released')) this.tell('resource-released', { durationMs: usedMs });
    if (this.checksAfterLoan && member.wellAt !== -Infinity) member.wellAt = now;
    this.population.takeBack(member, now, broken);
    this.changed();
  }

  private lease(member: Member<Resource>, now: number, waitedMs: number): Lease<Resource> {
    member.state = 'leased';
    member.since = now;
    this.records.lent(waitedMs);
    if (this.tellsLoans('resource-acquired')) this.tell('resource-acquired', { waitedMs });
    return new LentResource(this, member) as unknown as Lease<Resource>;
  }

  /** A function failed: its resource may be broken, and whoever gets it next must not find that out. */
  private takeBackAfter(lease: LentResource<Resource>, error: unknown): void {
    lease.doubt();
    if (this.asksBroken(error)) lease.discard();
    else lease.release();
  }

  private asksBroken(error: unknown): boolean {
    try {
      return this.settings.isBroken?.(error) ?? false;
    } catch (thrown) {
      this.channel.tell('hook-failed', { hook: 'isBroken', error: thrown, outcome: 'failure' });
      return true;
    }
  }

  private get isDrained(): boolean {
    return this.population.inUse === 0 && this.population.waiting.length === 0;
  }

  private refusal(options: AcquireOptions | undefined): Error | undefined {
    const timeoutMs = options?.timeoutMs;
    if (timeoutMs !== undefined && !positive.accepts(timeoutMs)) return timeFault('acquire', timeoutMs);
    if (this.closed) return withoutStack(() => new PoolClosedError(this.name));
    const { unsupplied, maySupply } = this.population;
    if (unsupplied < this.settings.maxWaiting || (unsupplied === 0 && maySupply)) return undefined;
    const error = withoutStack(() => new PoolFullError(this.name, this.occupancy()));
    this.tell('acquire-failed', { error, waitedMs: 0, outcome: 'failure' });
    return error;
  }

  private tooLate(waiter: Waiter<Lease<Resource>>): void {
    const { waiting, lastFailure } = this.population;
    const occupancy = this.occupancy();
    waiting.leave(waiter);
    this.records.timedOut++;
    const { timeoutMs } = waiter;
    const error = withoutStack(() => new PoolTimeoutError(this.name, timeoutMs, occupancy, lastFailure));
    this.refuse(waiter, error);
    this.changed();
  }

  private leaves(waiter: Waiter<Lease<Resource>>, reason: unknown): void {
    this.population.waiting.leave(waiter);
    waiter.reject(reason);
    this.changed();
  }

  private occupancy(): PoolOccupancy {
    const { inUse, creating, waiting } = this.population;
    const { maxSize, maxOverflow } = this.settings;
    return { inUse, creating, waiting: waiting.length, most: maxSize + maxOverflow };
  }

  // --- telling ---

  private debug(debug: NonNullable<ConnectionPoolOptions<Resource>['debug']>, type: string, facts: object): void {
    const { size, idleCount, waiting } = this.population;
    try {
      debug(`${this.name}: ${type.replaceAll('-', ' ')}`, { ...facts, size, idle: idleCount, waiting: waiting.length });
    } catch (error) {
      this.channel.tell('hook-failed', { hook: 'debug', error, outcome: 'failure' });
    }
  }
}

function timeFault(path: string, received: unknown): ConfigurationError {
  return new ConfigurationError([
    { path: `connectionPool.${path}.timeoutMs`, expected: positive.expected, received: describe(received) },
  ]);
}
