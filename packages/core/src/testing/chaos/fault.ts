import { resolveOptions } from '../../options/resolve.ts';
import { anything } from '../../options/rules.ts';
import { type Failure, failure } from '../../policy/outcome.ts';
import type { Call } from '../../policy/policy.ts';
import { type Chaos, ChaosPolicy } from './chaos-policy.ts';
import { chaosDefaults, type ChaosFunction, type ChaosOptions, chaosRules } from './options.ts';

/** Options of a chaos policy that injects errors. */
export interface ChaosFaultOptions extends ChaosOptions {
  /** What calls fail with, or a function that makes it, such as one by `weighted`. Required. */
  // oxlint-disable-next-line typescript/no-redundant-type-constituents -- the function is what most want
  readonly error: unknown | ChaosFunction<unknown>;
}

/**
 * Lets calls fail instead of running the function.
 *
 * @throws ConfigurationError
 */
export function chaosFault(options: ChaosFaultOptions): Chaos {
  return new FaultPolicy(options);
}

class FaultPolicy extends ChaosPolicy {
  readonly kind = 'chaos-fault';
  readonly waits = false;
  private readonly error: unknown;

  constructor(given: ChaosFaultOptions) {
    const rules = { ...chaosRules, error: anything() };
    const options = resolveOptions('chaosFault', given, chaosDefaults, rules, ['injectionRatio', 'error']);
    super('chaos-fault', options);
    this.error = options.error;
  }

  protected override inject(call: Call): Failure {
    const error = this.make(call);
    call.countAttempt();
    this.tell(call, { chaos: 'fault', outcome: 'failure', error });
    return failure(error);
  }

  /** A function that throws its error instead of returning it means the same. */
  private make(call: Call): unknown {
    if (typeof this.error !== 'function') return this.error;
    try {
      return (this.error as ChaosFunction<unknown>)(call.context, this.random);
    } catch (error) {
      return error;
    }
  }
}
