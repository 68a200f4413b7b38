/**
 * The resources of a pool and those who wait for one. Somebody who waits is never promised a particular resource.
 * Instead the pool sees to it that for each who waits one is on its way, by a check of an idle one or by the making of a
 * new one, as long as there may be more; and whatever becomes ready goes to who has waited longest. So the order is kept,
 * a failed check costs nobody their place, and there are never more than may be: a resource counts from the moment at
 * which its making begins until its end is over.
 */
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { TimeoutLane } from '../clock/timeout-queue.ts';
import { IdleMembers } from './idle-members.ts';
import { Member } from './member.ts';
import type { ConnectionPoolEvents, DestroyReason, Lease } from './pool-contract.ts';
import type { PoolRecords } from './pool-records.ts';
import { type PoolSettings, ResourceMaker } from './resource-maker.ts';
import { Upkeep } from './upkeep.ts';
import { type Waiter, WaitingLine } from './waiting-line.ts';

/** What the population tells the pool. */
export interface PopulationHost<Resource> {
  /** Lends a resource to who has waited longest. */
  lend(member: Member<Resource>, waiter: Waiter<Lease<Resource>>): void;
  refuse(waiter: Waiter<Lease<Resource>>, error: unknown): void;
  tell<Type extends keyof ConnectionPoolEvents>(type: Type, facts: ConnectionPoolEvents[Type]): void;
  /** Something has ended: somebody may wait for that. */
  changed(): void;
}

export class Population<Resource> {
  readonly members: Set<Member<Resource>> = new Set();
  readonly waiting: WaitingLine<Lease<Resource>> = new WaitingLine();
  checking = 0;
  ending = 0;
  /** The last failure to make or check a resource, since one was last made or found well. */
  lastFailure: unknown = undefined;
  private readonly idle: IdleMembers<Resource>;
  private readonly settings: PoolSettings<Resource>;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly records: PoolRecords;
  private readonly host: PopulationHost<Resource>;
  private readonly upkeep: Upkeep;
  private readonly maker: ResourceMaker<Resource>;
  private closed = false;

  constructor(
    settings: PoolSettings<Resource>,
    clock: Clock,
    random: Random,
    records: PoolRecords,
    host: PopulationHost<Resource>,
  ) {
    this.settings = settings;
    this.clock = clock;
    this.random = random;
    this.records = records;
    this.host = host;
    this.idle = new IdleMembers(settings);
    this.maker = new ResourceMaker(settings, clock, this);
    this.upkeep = new Upkeep(clock, (now) => this.maintain(now));
  }

  /** All that there are, from the beginning of their making to the end of their end. */
  get size(): number {
    return this.members.size + this.maker.creating + this.maker.strays;
  }

  get isEmpty(): boolean {
    return this.size === 0;
  }

  get idleCount(): number {
    return this.idle.count;
  }

  get inUse(): number {
    return this.members.size - this.idleCount - this.checking - this.ending;
  }

  get creating(): number {
    return this.maker.creating;
  }

  lane(durationMs: number): TimeoutLane {
    return this.maker.lane(durationMs);
  }

  /** An idle resource that may be lent without a check and without a wait. */
  takeReady(now: number): Member<Resource> | undefined {
    const member = this.idle.freshest;
    if (member === undefined || now >= member.recycleAt || this.needsCheck(member, now)) return undefined;
    return this.idle.take(member);
  }

  /** How many wait for whom nothing is on its way: a resource must come back first. */
  get unsupplied(): number {
    return Math.max(0, this.waiting.length - this.checking - this.creating);
  }

  /** Whether a newcomer could be supplied without waiting for a resource to come back. */
  get maySupply(): boolean {
    return this.idleCount > 0 || this.size < this.settings.maxSize + this.settings.maxOverflow;
  }

  private get mayMake(): boolean {
    const { maxSize, maxOverflow, maxCreating } = this.settings;
    return this.size < maxSize + maxOverflow && this.creating < maxCreating;
  }

  /** Sees to it that a resource is on its way for everybody who waits, as far as there may be more. */
  supply(): void {
    while (!this.closed && this.unsupplied > 0) {
      const member = this.idle.freshest;
      if (member !== undefined) this.ready(this.idle.take(member));
      else if (this.mayMake) this.make();
      else return;
    }
  }

  /** Makes as many as are to be kept at least. */
  fill(): void {
    const { minSize } = this.settings;
    while (!this.closed && this.size - this.ending < minSize && this.mayMake) this.make();
  }

  /** A resource comes back from its borrower. */
  takeBack(member: Member<Resource>, now: number, broken: boolean): void {
    if (broken) this.end(member, 'broken', undefined);
    else if (this.waiting.length > 0 && this.waiting.length > this.checking) this.ready(member);
    else this.rest(member, now);
  }

  /** Ends everything that is not on loan, and the rest as it comes back. */
  close(): void {
    this.closed = true;
    this.upkeep.stop();
    this.maker.abort();
    for (let member = this.idle.takeOldest(); member !== undefined; member = this.idle.takeOldest()) {
      this.end(member, 'closed', undefined);
    }
  }

  /** Ends those that are on loan; gives how many. */
  endLeased(): number {
    const leased = [...this.members].filter(({ state }) => state === 'leased');
    for (const member of leased) this.end(member, 'closed', undefined);
    return leased.length;
  }

  // --- one resource ---

  private make(): void {
    this.maker.make();
    this.records.peakSize = Math.max(this.records.peakSize, this.size);
  }

  made(resource: Resource, startedAt: number, watch: (whenLost: (error: unknown) => void) => void): void {
    const now = this.clock.now();
    const { recycleMs, recycleJitterRatio } = this.settings;
    const member = new Member(resource, now, now + recycleMs * (1 - this.random.next() * recycleJitterRatio));
    this.members.add(member);
    this.checking++;
    this.records.created++;
    this.lastFailure = undefined;
    this.host.tell('resource-created', { durationMs: now - startedAt });
    watch((error) => this.died(member, error));
    this.offer(member, now);
    // As many are made at once as may be: there is room for another making now.
    this.supply();
    this.fill();
  }

  notMade(error: unknown): void {
    this.records.createFailed++;
    this.lastFailure = error;
    this.host.tell('resource-create-failed', { error, outcome: 'failure' });
    // Who has waited longest is told; were it nobody, the wrong password would be found out by timeouts.
    if (this.unsupplied > 0) this.host.refuse(this.waiting.shift()!, error);
    this.supply();
    if (!this.closed && this.size - this.ending < this.settings.minSize)
      this.upkeep.at(this.clock.now() + this.settings.createRetryMs);
    this.host.changed();
  }

  /** A resource that is neither idle nor on loan: to be lent, after a check where it needs one, or ended for its age. */
  private ready(member: Member<Resource>): void {
    const now = this.clock.now();
    member.state = 'checking';
    this.checking++;
    if (member.death !== undefined) this.end(member, 'lost', member.death.error);
    else if (now >= member.recycleAt) this.end(member, 'recycled', undefined);
    else if (this.needsCheck(member, now)) this.check(member);
    else this.offer(member, now);
  }

  private needsCheck(member: Member<Resource>, now: number): boolean {
    const { validate, validateAfterMs } = this.settings;
    return validate !== undefined && now - member.wellAt >= validateAfterMs;
  }

  private check(member: Member<Resource>): void {
    this.maker.check(member.resource).then(
      (well) => {
        const now = this.clock.now();
        if (!well) return this.unhealthy(member, undefined);
        member.wellAt = now;
        this.lastFailure = undefined;
        this.offer(member, now);
      },
      (error: unknown) => this.unhealthy(member, error),
    );
  }

  private unhealthy(member: Member<Resource>, error: unknown): void {
    this.lastFailure = error;
    this.host.tell('resource-unhealthy', { error, outcome: 'failure' });
    this.end(member, 'unhealthy', error);
    this.checkIdle();
  }

  /** Where one has died the others may have too: all at once, so that nobody waits for one check after the other. */
  private checkIdle(): void {
    for (let member = this.idle.takeOldest(); member !== undefined; member = this.idle.takeOldest()) {
      member.state = 'checking';
      this.checking++;
      this.check(member);
    }
  }

  /** A resource that was being checked or made is ready. */
  private offer(member: Member<Resource>, now: number): void {
    if (member.death !== undefined) return this.end(member, 'lost', member.death.error);
    if (this.closed) return this.end(member, 'closed', undefined);
    const waiter = this.waiting.shift();
    if (waiter === undefined) return this.rest(member, now);
    this.checking--;
    member.state = 'leased';
    this.host.lend(member, waiter);
  }

  /** Nobody waits for it: it stays, if there is room. */
  private rest(member: Member<Resource>, now: number): void {
    if (member.death !== undefined) return this.end(member, 'lost', member.death.error);
    if (this.closed) return this.end(member, 'closed', undefined);
    if (now >= member.recycleAt) return this.end(member, 'recycled', undefined);
    if (this.members.size - this.ending > this.settings.maxSize) return this.end(member, 'surplus', undefined);
    if (member.state === 'checking') this.checking--;
    this.upkeep.at(this.idle.put(member, now));
    this.host.changed();
  }

  private died(member: Member<Resource>, error: unknown): void {
    member.death ??= { error };
    if (member.state !== 'idle') return;
    this.end(this.idle.take(member), 'lost', error);
  }

  /** Ends a resource; its place is free when that is over. */
  private end(member: Member<Resource>, reason: DestroyReason, error: unknown): void {
    if (member.state === 'ending') return;
    if (member.state === 'checking') this.checking--;
    member.state = 'ending';
    this.ending++;
    this.records.destroyed[reason]++;
    this.host.tell('resource-destroyed', { reason, ageMs: this.clock.now() - member.createdAt, error });
    void this.maker.destroy(member.resource).then(() => {
      this.members.delete(member);
      this.ending--;
      this.placeIsFree();
    });
    // Its place is not free yet, but there may be others.
    this.supply();
    this.fill();
  }

  notDestroyed(error: unknown): void {
    this.host.tell('resource-destroy-failed', { error, outcome: 'failure' });
  }

  placeIsFree(): void {
    this.supply();
    this.fill();
    this.host.changed();
  }

  // --- from time to time ---

  /** Ends what has been idle for too long or is too old, keeps what is to be kept at least, and says when to come again. */
  private maintain(now: number): void {
    const canSpare = (): boolean => this.size - this.ending > this.settings.minSize;
    const dueAt = this.idle.sweep(now, canSpare, (member, reason) => this.end(member, reason, undefined));
    this.fill();
    if (dueAt < Infinity) this.upkeep.at(dueAt);
  }
}
