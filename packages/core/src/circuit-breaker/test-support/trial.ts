/** Runs a schedule against a breaker and against the reference, side by side. */
import { expect } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Pipeline } from '../../pipeline/pipeline-contract.ts';
import { type CountedController, countedController } from '../../testing/test-support/counted-signal.ts';
import { deferred, type Deferred, microtasks, type Watched, watched } from '../../testing/test-support/watched.ts';
import { steppedBreak } from '../break-duration.ts';
import { circuitBreaker, type CircuitBreaker } from '../circuit-breaker.ts';
import { sampledRatio, slowCalls } from '../sampled-rules.ts';
import type { CircuitSnapshot } from '../snapshot.ts';
import type { TripRule } from '../trip-rule.ts';
import { consecutive, count } from '../trip-rules.ts';
import { ReferenceBreaker, type ReferenceCall, type ReferenceEnd, type ReferenceRule } from './reference-breaker.ts';
import type { Schedule, Step } from './schedule.ts';

/** What leads from one state to another without a command. */
const BY_ITSELF: ReadonlySet<string> = new Set(['closed>open', 'open>half-open', 'half-open>open', 'half-open>closed']);
/** What each command may do; `hydrate` anything. */
const BY_COMMAND: Readonly<Record<string, RegExp>> = {
  isolate: /^(closed|open|half-open)>isolated$/,
  release: /^isolated>closed$/,
  forceOpen: /^(closed|open|half-open)>open$/,
  forceHalfOpen: /^(closed|open|half-open)>half-open$/,
  reset: />closed$/,
  hydrate: />/,
};

const NAMED_WAIT_MS = 70;

function ruleOf(rule: ReferenceRule, samplingMs: number): TripRule {
  if (rule.kind === 'consecutive') return consecutive(rule.failures);
  if (rule.kind === 'count') return count(rule.size, { failures: rule.failures });
  const { kind: _, ...options } = rule;
  return 'slowCallMs' in options ? slowCalls({ ...options, samplingMs }) : sampledRatio({ ...options, samplingMs });
}

/** A call of the schedule that the breaker has let through and that has not ended. */
interface Running {
  readonly answer: Deferred<string>;
  readonly caller: CountedController;
  readonly end: Watched<string>;
  readonly reference: ReferenceCall;
  /** What the breaker itself has told: how many transitions there had been, and whether it was half-open then. */
  readonly era: number;
  readonly probe: boolean;
  readonly startedAt: number;
}

/** What `expect` says at a fraction of its price: there are hundreds of these in a schedule. */
function same(what: string, seen: unknown, right: unknown): void {
  if (!Object.is(seen, right)) throw new Error(`${what}: ${String(seen)}, and should be ${String(right)}`);
}

class Trial {
  private readonly clock: VirtualClock = new VirtualClock();
  private readonly settings: Schedule['settings'];
  private readonly reference: ReferenceBreaker;
  private readonly breaker: CircuitBreaker;
  private readonly calls: Pipeline;
  private readonly running: Running[] = [];
  private readonly callers: CountedController[] = [];
  private readonly leftBehind: Deferred<string>[] = [];
  private readonly holders: { readonly release: () => void; readonly reference: object }[] = [];
  private saved: { readonly snapshot: CircuitSnapshot; readonly reference: ReturnType<ReferenceBreaker['save']> };
  private transitions = 0;
  /** How many transitions there had been when the histories were last compared. */
  private compared = 0;
  private command: string | undefined = undefined;

  constructor(given: Schedule['settings']) {
    const { samplingMs, stepsMs, maxRetryAfterMs, probes, successRatio, leaseMs, rampMs, lot } = given;
    this.settings = given;
    this.reference = new ReferenceBreaker({ ...given, needed: Math.ceil(successRatio * probes) });
    this.breaker = circuitBreaker({
      clock: this.clock,
      random: { next: () => lot },
      trip: given.rules.map((rule) => ruleOf(rule, samplingMs)),
      breakMs: steppedBreak(stepsMs),
      maxRetryAfterMs,
      probes,
      successRatio,
      probeLeaseMs: leaseMs,
      rampMs,
    });
    this.calls = pipeline(this.breaker);
    this.breaker.events.on('*', (event) => {
      if ('from' in event) this.checkTransition(`${event.from}>${event.to}`);
    });
    this.saved = this.save();
  }

  async take(step: Step): Promise<void> {
    if (step.do === 'wait') await this.clock.advance(step.ms);
    else if (step.do === 'jump') this.clock.jumpWallTime(step.ms);
    else if (step.do === 'call') await this.call();
    else if ('which' in step) await this.end(step.do, step.which);
    else if (step.do === 'save') this.saved = this.save();
    else this.obey(step.do);
    this.compare();
  }

  /** Ends what still runs, the functions of aborted calls too: nothing may be left of it. */
  async finish(): Promise<void> {
    while (this.running.length > 0) await this.end('succeed', 0);
    for (const answer of this.leftBehind) answer.resolve('late');
    await microtasks(5);
    this.compare();
    expect(this.callers.filter(({ listening }) => listening > 0)).toEqual([]);
    expect(this.calls.busy).toBe(0);
  }

  private checkTransition(transition: string): void {
    this.transitions++;
    const byCommand = this.command !== undefined && BY_COMMAND[this.command]!.test(transition);
    if (!BY_ITSELF.has(transition) && !byCommand)
      throw new Error(`${transition} by ${this.command ?? 'itself'} is no legal transition`);
  }

  private async call(): Promise<void> {
    const now = this.clock.now();
    const admitted = this.reference.admits(now);
    const answer = deferred();
    const caller = countedController();
    this.callers.push(caller);
    let started = false;
    const call = (): Promise<string> => {
      started = true;
      return answer.promise;
    };
    const end = watched(this.calls.execute(call, { signal: caller.signal }));
    await microtasks(3);
    same('whether the function was started', started, admitted);
    same('the call', end.state, admitted ? 'pending' : 'rejected');
    if (!admitted) return;
    const probe = this.breaker.state === 'half-open';
    const reference = this.reference.begin(now);
    this.running.push({ answer, caller, end, reference, era: this.transitions, probe, startedAt: now });
  }

  private async end(how: 'succeed' | 'fail' | 'failNamed' | 'abort', at: number): Promise<void> {
    const [call] = this.running.splice(at % Math.max(1, this.running.length), 1);
    if (call === undefined) return;
    const before = this.breaker.state === 'half-open' ? undefined : this.facts();
    const retryAfterMs = how === 'failNamed' ? NAMED_WAIT_MS : Infinity;
    const ends: Readonly<Record<typeof how, ReferenceEnd>> = {
      succeed: 'succeeded',
      abort: 'aborted',
      fail: { retryAfterMs },
      failNamed: { retryAfterMs },
    };
    this.reference.end(call.reference, ends[how], this.clock.now());
    const isLate = call.era !== this.transitions;
    if (how === 'succeed') call.answer.resolve('item');
    else if (how === 'abort') {
      this.leftBehind.push(call.answer);
      call.caller.controller.abort(new Error('left'));
    } else call.answer.reject(Object.assign(new Error('down'), how === 'failNamed' ? { retryAfterMs } : {}));
    await microtasks(5);
    same('the end of a call', call.end.state, how === 'succeed' ? 'fulfilled' : 'rejected');
    if (!isLate || before === undefined) return;
    for (const [index, fact] of this.facts().entries()) same(`fact ${index} after a late end`, fact, before[index]);
  }

  private save(): Trial['saved'] {
    const snapshot = JSON.parse(JSON.stringify(this.breaker)) as CircuitSnapshot;
    return { snapshot, reference: this.reference.save(this.clock.now(), this.clock.wallTime()) };
  }

  private obey(command: 'isolate' | 'release' | 'forceOpen' | 'forceHalfOpen' | 'reset' | 'hydrate'): void {
    const now = this.clock.now();
    // What time has brought is not the command's doing.
    this.reference.look(now);
    void this.breaker.state;
    this.command = command;
    if (command === 'isolate')
      this.holders.push({ reference: this.reference.isolate(now), release: this.breaker.isolate() });
    else if (command === 'release') {
      const holder = this.holders.shift();
      if (holder !== undefined) this.reference.release(holder.reference, now);
      holder?.release();
    } else if (command === 'hydrate') {
      this.reference.hydrate(this.saved.reference, now, this.clock.wallTime());
      this.breaker.hydrate(this.saved.snapshot);
    } else {
      this.reference[command](now);
      this.breaker[command]();
    }
    this.command = undefined;
  }

  private facts(): readonly unknown[] {
    const { state, timeInStateMs, retryAfterMs, failureRatio, throughput, slowCallRatio, lastError } = this.breaker;
    return [state, timeInStateMs, retryAfterMs, failureRatio, throughput, slowCallRatio, lastError];
  }

  private compare(): void {
    const { breaker, reference } = this;
    const now = this.clock.now();
    reference.look(now);
    const throughput = reference.throughput(now);
    same('state', breaker.state, reference.state);
    same('timeInStateMs', breaker.timeInStateMs, now - reference.since);
    same('retryAfterMs', breaker.retryAfterMs, reference.retryAfterMs(now));
    same('throughput', breaker.throughput, throughput);
    same('failureRatio', breaker.failureRatio, throughput === 0 ? 0 : reference.failures(now) / throughput);
    same('slowCallRatio', breaker.slowCallRatio, reference.slowRatio(now));
    const probes = this.probesUnderWay(now);
    same('probes under way', probes, reference.probesUnderWay);
    same('no probe too many', probes <= this.settings.probes, true);
    same('pending timers', this.clock.pendingTimers, 0);
    same('transitions', this.transitions, reference.history.length);
    if (this.transitions === this.compared) return;
    this.compared = this.transitions;
    expect(breaker.history.map(({ from, to }) => `${from}>${to}`)).toEqual(reference.history.slice(-100));
  }

  /** The probes of the present half-open time whose leases have not ended, as the breaker itself let them through. */
  private probesUnderWay(now: number): number {
    const present = this.running.filter(({ probe, era }) => probe && era === this.transitions);
    return present.filter(({ startedAt }) => startedAt + this.settings.leaseMs > now).length;
  }
}

/** Runs a schedule against a breaker and the reference; throws where they differ, or anything is left. */
export async function runSchedule(schedule: Schedule): Promise<void> {
  const trial = new Trial(schedule.settings);
  for (const step of schedule.steps) await trial.take(step);
  await trial.finish();
}
