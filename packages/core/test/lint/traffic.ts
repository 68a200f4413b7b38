import { type ExecutionContext, isBreakwaterError, type Outcome, type Policy } from 'breakwater';
import type { VirtualClock } from 'breakwater/testing';

/** A pipeline, whatever its policies add to results. */
export interface Calls {
  readonly policies: readonly Policy[];
  tryExecute<T>(fn: (context: ExecutionContext) => T): Promise<Outcome<unknown>>;
}

/** What an upstream does with a run. */
export type Behaviour = 'answers' | 'fails' | 'hangs';

/** An upstream in virtual time that counts who asks it. */
export class Upstream {
  /** How many runs have reached it. */
  asked = 0;
  private readonly clock: VirtualClock;
  private readonly tookMs: number;
  private readonly behaviour: (run: number, attempt: number) => Behaviour;

  /** @param tookMs How long an answer or a failure takes; what hangs ends when it is aborted. */
  constructor(clock: VirtualClock, tookMs: number, behaviour: (run: number, attempt: number) => Behaviour) {
    this.clock = clock;
    this.tookMs = tookMs;
    this.behaviour = behaviour;
  }

  readonly ask = ({ signal, attempt }: ExecutionContext): Promise<string> => {
    const behaviour = this.behaviour(++this.asked, attempt);
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      if (behaviour === 'hangs') return;
      this.clock.setTimer(this.tookMs, () => (behaviour === 'answers' ? resolve('answer') : reject(new Error('down'))));
    });
  };
}

/** How calls have ended. */
export class Tally {
  answered = 0;
  failed = 0;
  /** By a policy, before the upstream was asked. */
  refused = 0;
  /** A fallback's value in place of an answer. */
  stoodIn = 0;
  /** How long the last one took that was not answered, in milliseconds. */
  tookMs = 0;

  async add(calls: Calls, upstream: Upstream, clock: VirtualClock): Promise<void> {
    const startedAt = clock.now();
    const outcome = await calls.tryExecute(upstream.ask);
    if (outcome.ok) this[outcome.value === 'answer' ? 'answered' : 'stoodIn']++;
    else this[isRefusal(outcome.error) ? 'refused' : 'failed']++;
    if (!outcome.ok) this.tookMs = clock.now() - startedAt;
  }
}

function isRefusal(error: unknown): boolean {
  return isBreakwaterError(error) && ['circuit_breaker', 'bulkhead'].includes(error.category);
}

/** What becomes of `count` calls, one each `everyMs`, when a minute has passed after the last. */
export async function traffic(
  calls: Calls,
  upstream: Upstream,
  clock: VirtualClock,
  { count, everyMs }: { readonly count: number; readonly everyMs: number },
): Promise<Tally> {
  const tally = new Tally();
  for (let started = 0; started < count; started++) {
    void tally.add(calls, upstream, clock);
    if (everyMs > 0) await clock.advance(everyMs);
  }
  await clock.advance(60_000);
  return tally;
}
