import { resolveOptions } from '../../options/resolve.ts';
import { callable } from '../../options/rules.ts';
import type { ExecutionContext } from '../../policy/context.ts';
import { type Failure, failure } from '../../policy/outcome.ts';
import type { Call, Wait } from '../../policy/policy.ts';
import { type Chaos, ChaosPolicy, isPromise } from './chaos-policy.ts';
import { chaosDefaults, type ChaosOptions, chaosRules } from './options.ts';

/** Options of a chaos policy that does something of the user's. */
export interface ChaosBehaviorOptions extends ChaosOptions {
  /** What happens before the function runs: a connection is cut, a cache is emptied. Required. */
  readonly run: (context: ExecutionContext) => void | PromiseLike<void>;
}

/**
 * Does something of the user's before the function runs. What it throws fails the call.
 *
 * @throws ConfigurationError
 */
export function chaosBehavior(options: ChaosBehaviorOptions): Chaos {
  return new BehaviorPolicy(options);
}

class BehaviorPolicy extends ChaosPolicy {
  readonly kind = 'chaos-behavior';
  /** A behavior that is asynchronous is a fault of its own in a synchronous call. */
  readonly waits = false;
  private readonly run: ChaosBehaviorOptions['run'];

  constructor(given: ChaosBehaviorOptions) {
    const rules = { ...chaosRules, run: callable<ChaosBehaviorOptions['run']>() };
    const options = resolveOptions('chaosBehavior', given, chaosDefaults, rules, ['injectionRatio', 'run']);
    super('chaos-behavior', options);
    this.run = options.run;
  }

  protected override inject(call: Call, at: number): Failure | Wait | undefined {
    this.tell(call, { chaos: 'behavior', outcome: undefined });
    const scope = call.scope(at);
    const failed = (error: unknown): Failure => {
      call.countAttempt();
      return failure(error);
    };
    try {
      const done = this.run(scope.context);
      if (!isPromise(done)) return undefined;
      const ended = Promise.resolve(done).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      const cancel = (reason: unknown, byCaller: boolean): void => scope.abort(reason, byCaller);
      return this.wait(call, at, ended, (thrown) => (thrown === undefined ? undefined : failed(thrown.error)), {
        cancel,
      });
    } catch (error) {
      return failed(error);
    }
  }
}
