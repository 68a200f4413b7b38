import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';
import type { EventChannel } from '../events/channel.ts';
import type { EventMap } from '../events/event.ts';
import type { HookPolicy, Policy, PolicyHooks } from '../policy/policy.ts';
import { AroundStep } from './around-step.ts';
import { CallWatchers } from './call-watchers.ts';
import { policiesThatWait } from './check-sync-call.ts';

/**
 * A policy as the walk uses it. All steps have one shape, whatever class the policy is of: loading a hook from objects
 * of many shapes costs more than calling it.
 */
export class Step {
  readonly policy: HookPolicy;
  readonly enter: PolicyHooks['enter'];
  readonly leave: PolicyHooks['leave'];

  constructor(policy: HookPolicy) {
    this.policy = policy;
    // The walk calls them on the policy.
    // oxlint-disable-next-line typescript/unbound-method
    this.enter = policy.enter;
    // oxlint-disable-next-line typescript/unbound-method
    this.leave = policy.leave;
  }
}

/** A pipeline made ready to run: what its calls share. */
export class Plan {
  readonly name: string | undefined;
  readonly policies: readonly Policy[];
  readonly steps: readonly Step[];
  readonly clock: Clock;
  private readonly random: Random;
  readonly channel: EventChannel<EventMap>;
  /** Whether a step may end a call while the user's function runs. */
  readonly interruptible: boolean;
  /** Those who see all that happens in a call; undefined where there are none. */
  readonly watchers: CallWatchers | undefined;
  /** Calls that have not ended, and runs of functions that have outlived their call. */
  private busyCount = 0;
  private whenIdle: (() => void)[] = [];
  private thatWait: readonly ConfigurationFault[] | undefined = undefined;

  constructor(
    name: string | undefined,
    policies: readonly Policy[],
    clock: Clock,
    random: Random,
    channel: EventChannel<EventMap>,
  ) {
    this.name = name;
    this.clock = clock;
    this.channel = channel;
    this.steps = policies.map((policy, position) => new Step(hooksOf(policy, `pipeline[${position}]`)));
    this.interruptible = this.steps.some(({ policy }) => policy.interrupts === true);
    this.watchers = CallWatchers.of(this.steps.map(({ policy }) => policy));
    checkClocks(policies, clock);
    this.policies = policies;
    this.random = random;
  }

  /** Takes the policies into use: they get the clock and the random numbers of the pipeline. */
  adopt(): void {
    for (const policy of this.policies) policy.adopt?.(this.clock, this.random);
  }

  /** Takes the policies out of use. */
  dismiss(): void {
    for (const policy of this.policies) policy.dismiss?.();
  }

  /** How many calls, and runs of functions that a call left behind, have not ended. */
  get busy(): number {
    return this.busyCount;
  }

  /** What keeps it from synchronous calls; asked for only by who makes one. */
  get policiesThatWait(): readonly ConfigurationFault[] {
    return (this.thatWait ??= policiesThatWait(this.steps.map(({ policy }) => policy)));
  }

  begin(): void {
    this.busyCount++;
  }

  /** A call, or a run that had outlived its call, has ended; `leftBehind` runs of it have not. */
  end(leftBehind = 0): void {
    this.busyCount += leftBehind - 1;
    if (this.busyCount > 0) return;
    const waiting = this.whenIdle;
    if (waiting.length === 0) return;
    this.whenIdle = [];
    for (const callback of waiting) callback();
  }

  /** Calls back when nothing runs any more; returns what withdraws that. */
  onIdle(callback: () => void): () => void {
    if (this.busyCount === 0) callback();
    else this.whenIdle.push(callback);
    return () => {
      this.whenIdle = this.whenIdle.filter((waiting) => waiting !== callback);
    };
  }
}

/** The hooks of a policy, whichever form it has; `path` says where it stands, for the error when it is none. */
export function hooksOf(policy: Policy, path: string): HookPolicy {
  if (typeof policy === 'object' && policy !== null) {
    if ('around' in policy && typeof policy.around === 'function') return new AroundStep(policy);
    if ('enter' in policy && typeof policy.enter === 'function') return policy;
  }
  throw new ConfigurationError([
    { path, expected: 'a policy: an object with enter, leave and cancel, or with around', received: typeof policy },
  ]);
}

/** One call, one clock: deadlines and waits of different clocks can't be compared. */
function checkClocks(policies: readonly Policy[], clock: Clock): void {
  const faults = policies
    .filter((policy) => policy.boundClock !== undefined && policy.boundClock !== clock)
    .map((policy) => ({
      path: `pipeline.${policy.name ?? policy.kind}.clock`,
      expected: 'the clock of the pipeline and of its other policies',
      received: 'another clock',
    }));
  if (faults.length > 0) throw new ConfigurationError(faults);
}
