import { resolveOptions } from '../../options/resolve.ts';
import { anything } from '../../options/rules.ts';
import { failure, type Outcome, success } from '../../policy/outcome.ts';
import type { Call } from '../../policy/policy.ts';
import { type Chaos, ChaosPolicy } from './chaos-policy.ts';
import { chaosDefaults, type ChaosFunction, type ChaosOptions, chaosRules } from './options.ts';

/** Options of a chaos policy that injects results. */
export interface ChaosOutcomeOptions<Added> extends ChaosOptions {
  /** What calls are answered with, or a function that makes it: an empty list, a response of status 503. Required. */
  readonly value: Added | ChaosFunction<Added>;
}

/**
 * Answers calls instead of running the function: an upstream that is up and wrong. A function that throws fails the
 * call.
 *
 * @throws ConfigurationError
 */
export function chaosOutcome<const Added>(options: ChaosOutcomeOptions<Added>): Chaos<Added> {
  return new OutcomePolicy(options);
}

class OutcomePolicy<Added> extends ChaosPolicy<Added> {
  readonly kind = 'chaos-outcome';
  readonly waits = false;
  private readonly value: Added | ChaosFunction<Added>;

  constructor(given: ChaosOutcomeOptions<Added>) {
    const rules = { ...chaosRules, value: anything() };
    // A value may well be undefined, so it is not among what must be given.
    const options = resolveOptions<ChaosOutcomeOptions<unknown>, typeof chaosDefaults>(
      'chaosOutcome',
      given,
      chaosDefaults,
      rules,
      ['injectionRatio'],
    );
    super('chaos-outcome', options);
    this.value = given.value;
  }

  protected override inject(call: Call): Outcome {
    const outcome = this.make(call);
    call.countAttempt();
    this.tell(call, {
      chaos: 'outcome',
      ...(outcome.ok ? { outcome: 'success' } : { outcome: 'failure', error: outcome.error }),
    });
    return outcome;
  }

  private make(call: Call): Outcome {
    if (typeof this.value !== 'function') return success(this.value);
    try {
      return success((this.value as ChaosFunction<Added>)(call.context, this.random));
    } catch (error) {
      return failure(error);
    }
  }
}
