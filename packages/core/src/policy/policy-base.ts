import type { Clock } from '../clock/clock.ts';
import { type Random, systemRandom } from '../clock/random.ts';
import { systemClock } from '../clock/system-clock.ts';
import { implementing, text, type Rule } from '../options/rules.ts';

/** Options that every policy has. */
export interface PolicyOptions {
  /** Its name in events and errors; default: its kind. */
  readonly name?: string | undefined;
  /** Where it takes the time from; default: the first pipeline that it is put into, otherwise the system. */
  readonly clock?: Clock | undefined;
  /** Where it takes random numbers from; default: the first pipeline that it is put into, otherwise the system. */
  readonly random?: Random | undefined;
}

/** The rules for {@link PolicyOptions}. */
export const policyOptionRules: {
  readonly name: Rule<string>;
  readonly clock: Rule<Clock>;
  readonly random: Rule<Random>;
} = Object.freeze({
  name: text(),
  clock: implementing<Clock>('a clock', 'now', 'wallTime', 'setTimer'),
  random: implementing<Random>('a source of random numbers', 'next'),
});

/** Name, clock and random numbers of a policy: what it was given, or what its first pipeline has. */
export abstract class PolicyBase {
  abstract readonly kind: string;
  readonly name: string;
  private ownClock: Clock | undefined;
  private ownRandom: Random | undefined;

  constructor(kind: string, options: PolicyOptions) {
    this.name = options.name ?? kind;
    this.ownClock = options.clock;
    this.ownRandom = options.random;
  }

  /** The clock that the policy is bound to; undefined as long as it has neither been given one nor met a pipeline. */
  get boundClock(): Clock | undefined {
    return this.ownClock;
  }

  adopt(clock: Clock, random: Random): void {
    this.ownClock ??= clock;
    this.ownRandom ??= random;
  }

  protected get clock(): Clock {
    return this.ownClock ?? systemClock;
  }

  protected get random(): Random {
    return this.ownRandom ?? systemRandom;
  }
}

/**
 * Asks a condition of the user's; one that throws counts as `otherwise` and is told, and so is one that answers with a
 * promise, which would count as true whatever it resolves to.
 */
export function askHook<Arguments extends readonly unknown[]>(
  hook: ((...parameters: Arguments) => boolean) | undefined,
  parameters: Arguments,
  otherwise: boolean,
  onError: (error: unknown) => void,
): boolean {
  if (hook === undefined) return otherwise;
  try {
    const answer = hook(...parameters);
    return typeof answer === 'boolean' ? answer : Boolean(givenAtOnce(answer, onError));
  } catch (error) {
    onError(error);
    return otherwise;
  }
}

/**
 * What a hook of the user's has given, which must not be a promise. One that rejects is told too: nobody else waits for it.
 *
 * @throws TypeError when it is a promise.
 */
export function givenAtOnce<T>(answer: T, onError: (error: unknown) => void): T {
  if (typeof (answer as { readonly then?: unknown } | null | undefined)?.then !== 'function') return answer;
  Promise.resolve(answer).catch(onError);
  throw new TypeError('a promise was given where an answer is needed at once');
}
