import { resolveOptions } from '../../options/resolve.ts';
import { callable, either, number } from '../../options/rules.ts';
import type { Timer } from '../../clock/clock.ts';
import { givenAtOnce } from '../../policy/policy-base.ts';
import { type Call, WAIT, type Wait } from '../../policy/policy.ts';
import { type Chaos, ChaosPolicy, type ChaosWait } from './chaos-policy.ts';
import { chaosDefaults, type ChaosFunction, type ChaosOptions, chaosRules } from './options.ts';

/** Options of a chaos policy that holds calls up. */
export interface ChaosLatencyOptions extends ChaosOptions {
  /**
   * How long calls are held up before the function runs, in milliseconds, or a function that says so. Infinity is an
   * upstream that never answers: the call hangs until something ends it. Required.
   */
  readonly latencyMs: number | ChaosFunction<number>;
}

/** A latency is a duration, or none that ends. */
const latencyRule = either(number(0, Infinity), {
  expected: 'Infinity',
  accepts: (value: unknown): value is number => value === Infinity,
});

/**
 * Holds calls up. A timeout outside that ends one meanwhile counts as the upstream's slowness.
 *
 * @throws ConfigurationError
 */
export function chaosLatency(options: ChaosLatencyOptions): Chaos {
  return new LatencyPolicy(options);
}

class LatencyPolicy extends ChaosPolicy {
  readonly kind = 'chaos-latency';
  readonly waits = true;
  private readonly latencyMs: number | ChaosFunction<number>;

  constructor(given: ChaosLatencyOptions) {
    const latencyMs = either(latencyRule, callable<ChaosFunction<number>>('a function'));
    const rules = { ...chaosRules, latencyMs };
    const options = resolveOptions('chaosLatency', given, chaosDefaults, rules, ['injectionRatio', 'latencyMs']);
    super('chaos-latency', options);
    this.latencyMs = options.latencyMs;
  }

  protected override inject(call: Call, at: number): Wait | undefined {
    const latencyMs = this.latencyOf(call);
    if (latencyMs === undefined || latencyMs === 0) return undefined;
    this.tell(call, { chaos: 'latency', outcome: undefined, latencyMs });
    // The upstream has the call from here on; when the function runs after all, that is the run that counts.
    call.countAttempt();
    const over = (): void => {
      call.retractAttempt();
      call.keep(at, undefined);
      call.resume(at);
    };
    const timer: Timer | undefined = latencyMs === Infinity ? undefined : this.clock.setTimer(latencyMs, over);
    call.keep(at, { cancel: () => timer?.cancel() } satisfies ChaosWait);
    return WAIT;
  }

  private latencyOf(call: Call): number | undefined {
    if (typeof this.latencyMs === 'number') return this.latencyMs;
    const onError = (error: unknown): void => call.hookFailed(this.name, 'latencyMs', error);
    try {
      const latencyMs = givenAtOnce(this.latencyMs(call.context, this.random), onError);
      if (latencyRule.accepts(latencyMs)) return latencyMs;
      throw new RangeError(`latencyMs returned ${String(latencyMs)}; expected a number of at least 0`);
    } catch (error) {
      onError(error);
      return undefined;
    }
  }
}
