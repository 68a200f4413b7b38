import type { Timer } from '../clock/clock.ts';
import { withCause } from '../errors/cause.ts';
import { type Classification, classify } from '../errors/classify.ts';
import { resolveOptions } from '../options/resolve.ts';
import { isThenable } from '../pipeline/promises.ts';
import { type Failure, failure, type Outcome, success } from '../policy/outcome.ts';
import { AGAIN, type Again, type Call, type Scope, type Wait, WAIT } from '../policy/policy.ts';
import { PolicyBase } from '../policy/policy-base.ts';
import {
  type AddsOf,
  type Degradation,
  type OutcomeCounter,
  type Recovery,
  type RecoveryOptions,
  recoveryRules,
  type RecoveryStatistics,
  type Strategies,
} from './recovery-options.ts';
import { failing } from './strategies.ts';
import type { RecoveryStep, RecoveryStrategy } from './strategy.ts';

/**
 * Does about each error what is said of its kind: try again, wait, fall back, degrade, skip, or fail. Outermost but for
 * a timeout, it sees what the policies inside could not mend.
 *
 * @throws ConfigurationError
 */
export function recovery<
  const By extends Readonly<Record<string, Strategies>>,
  const Otherwise extends Strategies = never,
>(options: RecoveryOptions<By, Otherwise>): Recovery<AddsOf<By[keyof By]> | AddsOf<Otherwise>> {
  return new RecoveryPolicy(options);
}

/** What is known of one call between its failure and its end. */
class Recovering {
  readonly acted: Map<RecoveryStrategy, number> = new Map();
  timer: Timer | undefined = undefined;
  /** The substitute that is being made. */
  scope: Scope | undefined = undefined;
}

/** A failure on its way through the strategies for its kind. */
interface Trouble {
  readonly outcome: Failure;
  readonly kind: Classification;
  readonly strategies: readonly RecoveryStrategy[];
  /** What the last substitute failed with, which tells more than what it was to replace. */
  readonly last: Failure;
}

type Answer = Outcome | Wait | Again;

class RecoveryPolicy<Adds> extends PolicyBase implements Recovery<Adds> {
  readonly kind = 'recovery';
  /** A delay is not waited for in a synchronous call; a substitute that is made as a promise is a fault of its own there. */
  readonly waits = false;
  private readonly by: ReadonlyMap<string, readonly RecoveryStrategy[]>;
  private readonly otherwise: readonly RecoveryStrategy[];
  private readonly classify: (error: unknown) => Classification;
  private readonly tracker: OutcomeCounter | undefined;
  private readonly acted: Map<string, number> = new Map();
  private counts = { succeeded: 0, substituted: 0, failed: 0 };
  private current: Degradation | undefined = undefined;

  constructor(given: RecoveryOptions<Readonly<Record<string, Strategies>>, Strategies>) {
    const options = resolveOptions('recovery', given, {}, recoveryRules, ['by']);
    super('recovery', options);
    this.by = new Map(Object.entries(options.by).map(([name, strategies]) => [name, listOf(strategies)]));
    this.otherwise = listOf(options.otherwise ?? failing());
    this.classify = options.classify ?? classify;
    this.tracker = options.tracker;
  }

  get degradation(): Degradation | undefined {
    return this.current;
  }

  get statistics(): RecoveryStatistics {
    return { ...this.counts, acted: Object.fromEntries(this.acted) };
  }

  enter(call: Call, at: number): undefined {
    call.keep(at, undefined);
  }

  leave(call: Call, at: number, outcome: Outcome): Answer {
    if (!outcome.ok) {
      const kind = this.kindOf(call, outcome.error);
      const strategies = this.by.get(kind.code) ?? this.by.get(kind.category) ?? this.otherwise;
      return this.deal(call, at, { outcome, kind, strategies, last: outcome });
    }
    this.counts.succeeded++;
    this.restore(call);
    this.track(call);
    return outcome;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    const recovering = call.kept(at) as Recovering | undefined;
    call.keep(at, undefined);
    recovering?.timer?.cancel();
    recovering?.scope?.abort(outcome.error, byCaller);
    if (recovering !== undefined) recovering.scope = undefined;
    if (byCaller) return;
    this.counts.failed++;
    this.track(call, { error: outcome.error, recovery: 'fail' });
  }

  // --- one failure ---

  /** Asks the strategies in turn, from `first` on. */
  private deal(call: Call, at: number, trouble: Trouble, first = 0): Answer {
    for (let index = first; index < trouble.strategies.length; index++) {
      const strategy = trouble.strategies[index]!;
      const step = this.ask(call, at, strategy, trouble);
      if (step?.do === 'fail') break;
      if (step?.do === 'substitute') return this.substitute(call, at, trouble, index, step);
      if (step === undefined || !mayWait(call, at, step.delayMs)) continue;
      return this.again(call, at, strategy, trouble, step.delayMs);
    }
    this.counts.failed++;
    this.act('fail');
    this.track(call, { error: trouble.outcome.error, recovery: 'fail' });
    return trouble.last;
  }

  private ask(
    call: Call,
    at: number,
    strategy: RecoveryStrategy,
    { outcome: { error }, kind: { category, code, retryable, retryAfterMs } }: Trouble,
  ): RecoveryStep | undefined {
    const acted = (call.kept(at) as Recovering | undefined)?.acted.get(strategy) ?? 0;
    const { random } = this;
    try {
      return strategy.next({ error, category, code, retryable, retryAfterMs, acted, random });
    } catch (thrown) {
      call.hookFailed(this.name, `${strategy.kind}.next`, thrown);
      return undefined;
    }
  }

  private again(call: Call, at: number, strategy: RecoveryStrategy, trouble: Trouble, delayMs: number): Wait | Again {
    const recovering = this.recovering(call, at);
    recovering.acted.set(strategy, (recovering.acted.get(strategy) ?? 0) + 1);
    this.act(strategy.kind);
    if (call.wants('recovery-retry'))
      this.tell(call, 'recovery-retry', trouble, strategy, { delayMs, outcome: 'failure' });
    if (delayMs === 0) return AGAIN;
    recovering.timer = this.clock.setTimer(delayMs, () => {
      recovering.timer = undefined;
      call.resume(at);
    });
    return WAIT;
  }

  private substitute(
    call: Call,
    at: number,
    trouble: Trouble,
    index: number,
    { make, degrades }: RecoveryStep & { readonly do: 'substitute' },
  ): Answer {
    const recovering = this.recovering(call, at);
    const scope = call.scope(at);
    recovering.scope = scope;
    const strategy = trouble.strategies[index]!;
    const made = (value: unknown): Outcome => {
      recovering.scope = undefined;
      return this.substituted(call, trouble, strategy, value, degrades === true);
    };
    const notMade = (thrown: unknown): Answer => {
      recovering.scope = undefined;
      if (call.wants('recovered')) this.tell(call, 'recovered', trouble, strategy, { outcome: 'failure' });
      const last = failure(withCause(thrown, trouble.outcome.error));
      return this.deal(call, at, { ...trouble, last }, index + 1);
    };
    let value: unknown;
    try {
      value = make(trouble.outcome.error, scope.context);
      if (isThenable(value)) {
        const promise = Promise.resolve(value);
        promise.then(
          (given) => recovering.scope === scope && this.complete(call, at, made(given)),
          (thrown: unknown) => recovering.scope === scope && this.complete(call, at, notMade(thrown)),
        );
        return WAIT;
      }
    } catch (thrown) {
      return notMade(thrown);
    }
    return made(value);
  }

  /** Goes on with what came of a substitute that had to be waited for. */
  private complete(call: Call, at: number, answer: Answer): void {
    if (answer === WAIT) return;
    if (answer === AGAIN) call.resume(at);
    else call.complete(at, answer as Outcome);
  }

  private substituted(
    call: Call,
    trouble: Trouble,
    strategy: RecoveryStrategy,
    value: unknown,
    degrades: boolean,
  ): Outcome {
    this.counts.substituted++;
    this.act(strategy.kind);
    if (call.wants('recovered')) this.tell(call, 'recovered', trouble, strategy, { outcome: 'success' });
    if (degrades) this.degrade(call, trouble);
    this.track(call, { error: trouble.outcome.error, recovery: strategy.kind });
    return success(value);
  }

  // --- between calls ---

  private degrade(call: Call, { kind: { category, code }, outcome: { error } }: Trouble): void {
    const begun = this.current;
    this.current = { category, code, since: begun?.since ?? this.clock.now(), calls: (begun?.calls ?? 0) + 1 };
    if (begun === undefined && call.wants('degraded')) call.emit(this.name, 'degraded', { category, code, error });
  }

  private restore(call: Call): void {
    const begun = this.current;
    if (begun === undefined) return;
    this.current = undefined;
    if (call.wants('restored')) call.emit(this.name, 'restored', { durationMs: this.clock.now() - begun.since });
  }

  private recovering(call: Call, at: number): Recovering {
    const kept = call.kept(at) as Recovering | undefined;
    if (kept !== undefined) return kept;
    const recovering = new Recovering();
    call.keep(at, recovering);
    return recovering;
  }

  private kindOf(call: Call, error: unknown): Classification {
    try {
      return this.classify(error);
    } catch (thrown) {
      call.hookFailed(this.name, 'classify', thrown);
      return classify(error);
    }
  }

  /** Tells the tracker how the call ended: what it failed with, and what was done about that, where it did. */
  private track(call: Call, failed?: { readonly error: unknown; readonly recovery: string }): void {
    if (this.tracker === undefined) return;
    try {
      if (failed === undefined) this.tracker.success();
      else {
        const context = { recovery: failed.recovery };
        this.tracker.failure(failed.error, { key: call.key, attempt: call.attempts, context });
      }
    } catch (thrown) {
      call.hookFailed(this.name, 'tracker', thrown);
    }
  }

  private act(kind: string): void {
    this.acted.set(kind, (this.acted.get(kind) ?? 0) + 1);
  }

  private tell(call: Call, type: string, trouble: Trouble, strategy: RecoveryStrategy, details: object): void {
    const { category, code } = trouble.kind;
    const { error } = trouble.outcome;
    call.emit(this.name, type, { strategy: strategy.kind, category, code, error, ...details });
  }
}

/** Whoever has no time for a wait goes on without it. */
function mayWait(call: Call, at: number, delayMs: number): boolean {
  return delayMs === 0 || (!call.sync && call.remainingMs(at) > delayMs);
}

function listOf(strategies: Strategies): readonly RecoveryStrategy[] {
  return Array.isArray(strategies)
    ? [...(strategies as readonly RecoveryStrategy[])]
    : [strategies as RecoveryStrategy];
}
