import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { type RecentTime, recentTimeOf } from '../clock/recent-time.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { withoutStack } from '../errors/rejection.ts';
import type { EventSource } from '../events/event.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import { describe, resolveOptions, type Resolved } from '../options/resolve.ts';
import type { AddsOf } from '../pipeline/pipeline-contract.ts';
import { hooksOf } from '../pipeline/plan.ts';
import { type Failure, failure, type Outcome } from '../policy/outcome.ts';
import { givenAtOnce, PolicyBase } from '../policy/policy-base.ts';
import type { Again, Call, HookPolicy, Policy, Wait } from '../policy/policy.ts';
import { KeysExhaustedError } from './errors.ts';
import type { EventsIn, KeyEvents } from './events.ts';
import { type EvictionReason, KeySlot, KeyTable } from './key-table.ts';
import { KeyedCall } from './keyed-call.ts';
import { KeyedEvents } from './keyed-events.ts';
import { keyedDefaults, type KeyedOptions, keyedRules } from './options.ts';

/** A policy for each key; see {@link keyed}. Iterating gives the keys that are remembered, each with its policy. */
export interface Keyed<P extends Policy>
  extends HookPolicy<KeyEvents & EventsIn<P>, AddsOf<P>>, Iterable<readonly [key: string, policy: P]> {
  readonly kind: 'keyed';
  readonly name: string;
  /** Its own events and those of the policies of all keys, each with its key; of a call tells its pipeline. */
  readonly events: EventSource<KeyEvents & EventsIn<P>>;
  /** How many keys are remembered. */
  readonly size: number;
  /** The policy of a key; undefined when there is none, because no call had that key or it has been forgotten. */
  get(key: string): P | undefined;
}

/**
 * A policy for each key: `keyed((host) => circuitBreaker({ name: host }))`. A call runs under the policy of its key.
 *
 * Keys that were not used for `idleMs` are forgotten with their policies. When `maxKeys` are remembered and another one
 * comes, the longest unused goes. One is never forgotten while a call runs under its policy, or the policy says that it
 * is busy: a circuit that is open and has to stay so, permits that are taken. When all are in use a call with another
 * key is refused with a KeysExhaustedError.
 *
 * @param make Makes the policy of a key: a new one for each.
 * @throws ConfigurationError
 */
export function keyed<const P extends Policy>(make: (key: string) => P, options?: KeyedOptions): Keyed<P> {
  return new KeyedPolicy(make, options);
}

/** How the keys of a keyed policy are taken over where each gets a policy that is made otherwise. */
export interface KeyRenewal {
  /** Whether this policy has something to pass on; a key whose policy has not is forgotten. */
  wanted(before: Policy): boolean;
  /** Passes on what the earlier policy of a key knows. */
  pass(before: Policy, policy: Policy): void;
}

/**
 * @internal Lets a keyed policy go on with the keys of an earlier one, in whose place it stands: with their very policies,
 * or with new ones by `renewal`. Where those are more keys than it may have, the longest unused go with the next calls.
 */
export function takeOverKeys(keyedPolicy: object, earlier: object, renewal?: KeyRenewal): void {
  if (keyedPolicy instanceof KeyedPolicy && earlier instanceof KeyedPolicy) keyedPolicy.takeOver(earlier, renewal);
}

/**
 * @internal A policy as the keys of a keyed one have it: that of a key that is remembered, otherwise one that is made to
 * be looked at; undefined for another policy, or where none can be made without a real key.
 */
export function policyOfAnyKey(keyedPolicy: object): Policy | undefined {
  return keyedPolicy instanceof KeyedPolicy ? keyedPolicy.sample : undefined;
}

class KeyedPolicy<P extends Policy> extends PolicyBase implements Keyed<P> {
  readonly kind = 'keyed';
  /** A policy that is made later may end a call while its function runs. */
  readonly interrupts = true;
  readonly events: EventSource<KeyEvents & EventsIn<P>>;
  private readonly told: KeyedEvents;
  private readonly make: (key: string) => P;
  readonly options: Resolved<KeyedOptions, typeof keyedDefaults>;
  private readonly table: KeyTable<P>;
  private recent: RecentTime;
  private users = 0;

  constructor(make: (key: string) => P, given: KeyedOptions | undefined) {
    const options = resolveOptions('keyed', given, keyedDefaults, keyedRules);
    super('keyed', options);
    if (typeof make !== 'function') {
      throw new ConfigurationError([
        { path: 'keyed.make', expected: 'a function that makes a policy for a key', received: describe(make) },
      ]);
    }
    this.make = make;
    this.options = options;
    this.table = new KeyTable(options.maxKeys, options.idleMs, (slot, reason) => this.evicted(slot, reason));
    const own = new OwnerChannel<KeyEvents>(this.name, () => this.clock);
    this.told = new KeyedEvents(own, () => this.table.values());
    this.events = this.told as unknown as EventSource<KeyEvents & EventsIn<P>>;
    this.recent = recentTimeOf(this.clock);
  }

  /** Its policies have one user, itself, as long as it has any. */
  override adopt(clock: Clock, random: Random): void {
    super.adopt(clock, random);
    this.recent = recentTimeOf(this.clock);
    this.users++;
    if (this.users === 1) for (const { policy } of this.table.values()) policy.adopt?.(this.clock, this.random);
  }

  dismiss(): void {
    this.users--;
    if (this.users === 0) for (const { policy } of this.table.values()) policy.dismiss?.();
  }

  get size(): number {
    return this.table.size;
  }

  get sample(): Policy | undefined {
    for (const { policy } of this.table.values()) return policy;
    try {
      return this.make('');
    } catch {
      // It wants to know the key: nothing can be said of its policies before there is one.
      return undefined;
    }
  }

  get isBusy(): boolean {
    return Array.from(this.table.values()).some(({ running, policy }) => running > 0 || policy.isBusy === true);
  }

  get(key: string): P | undefined {
    return this.table.get(key)?.policy;
  }

  *[Symbol.iterator](): IterableIterator<readonly [key: string, policy: P]> {
    for (const { key, policy } of this.table.values()) yield [key, policy];
  }

  /** See {@link takeOverKeys}. */
  takeOver(earlier: KeyedPolicy<P>, renewal: KeyRenewal | undefined): void {
    const now = earlier.recent.now();
    for (const { key, policy: before, running, usedAt } of earlier.table.byUse()) {
      if (renewal?.wanted(before) === false) continue;
      const policy = renewal === undefined ? before : this.make(key);
      const slot = new KeySlot(key, policy, hooksOf(policy, `keyed('${key}')`));
      // Without a user it takes its policies into use as it gets one.
      if (this.users > 0) policy.adopt?.(this.clock, this.random);
      this.table.takeOver(slot, running > 0 ? now : usedAt);
      this.told.attach(slot);
      renewal?.pass(before, policy);
    }
  }

  // --- the way of a call ---

  enter(call: Call, at: number): Outcome | Wait | undefined {
    const key = this.keyOf(call);
    const now = this.recent.now();
    this.table.sweep(now);
    const slot = this.table.get(key) ?? this.newSlot(key, now);
    if (slot === undefined) return this.refuse(call, key);
    this.table.begin(slot);
    const inside = new KeyedCall(this, call, at, slot);
    call.keep(at, inside);
    return inside.enter();
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome | Wait | Again {
    return (call.kept(at) as KeyedCall<P>).leave(outcome);
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    (call.kept(at) as KeyedCall<P>).cancel(outcome, byCaller);
  }

  remainingMs(call: Call, at: number): number {
    return (call.kept(at) as KeyedCall<P>).remainingInside;
  }

  isDue(call: Call, at: number): boolean {
    return (call.kept(at) as KeyedCall<P>).isDueInside;
  }

  /** A call is no longer inside the policy of its key. */
  release(slot: KeySlot<P>): void {
    this.table.end(slot, this.recent.now());
  }

  // --- keys ---

  private keyOf(call: Call): string {
    const { key } = this.options;
    if (typeof key === 'string') return key;
    if (key === undefined) return call.key ?? '';
    const onError = (error: unknown): void => call.hookFailed(this.name, 'key', error);
    return givenAtOnce(key(call.context), onError) ?? call.key ?? '';
  }

  private newSlot(key: string, now: number): KeySlot<P> | undefined {
    if (!this.table.makeRoom(now)) return undefined;
    const policy = this.make(key);
    const hooks = hooksOf(policy, `keyed('${key}')`);
    if (policy.boundClock !== undefined && policy.boundClock !== this.clock) {
      const expected = 'the clock of the keyed policy';
      throw new ConfigurationError([{ path: `keyed('${key}').clock`, expected, received: 'another clock' }]);
    }
    policy.adopt?.(this.clock, this.random);
    const slot = new KeySlot(key, policy, hooks);
    this.table.add(slot);
    this.told.attach(slot);
    return slot;
  }

  private refuse(call: Call, key: string): Failure {
    const { maxKeys } = this.options;
    if (call.wants('key-refused')) call.emit(this.name, 'key-refused', { key, maxKeys, outcome: 'refused' });
    return failure(withoutStack(() => new KeysExhaustedError(this.name, maxKeys)));
  }

  private evicted(slot: KeySlot<P>, reason: EvictionReason): void {
    this.told.detach(slot);
    slot.policy.dismiss?.();
    this.told.own.tell('key-evicted', { reason }, slot.key);
  }
}
