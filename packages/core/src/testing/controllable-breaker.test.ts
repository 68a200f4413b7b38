import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { type CircuitBreaker, circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { circuitControl } from '../circuit-breaker/control.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { timeout } from '../timeout/timeout.ts';
import { ControllableBreaker } from './controllable-breaker.ts';
import { recordEvents } from './record-events.ts';
import { deferred, rejection, watched } from './test-support/watched.ts';

let clock: VirtualClock;
let breaker: ControllableBreaker;
beforeEach(() => {
  clock = new VirtualClock();
  breaker = new ControllableBreaker({ name: 'stock', clock });
});

const down = (): Promise<never> => Promise.reject(new Error('down'));
const item = async (): Promise<string> => 'item';

describe('a controllable breaker', () => {
  it('is a breaker to the compiler, and usable where one is: in a pipeline, under a control', async () => {
    expectTypeOf(breaker).toExtend<CircuitBreaker>();
    const asBreaker: CircuitBreaker = breaker;
    await expect(pipeline(asBreaker).execute(item)).resolves.toBe('item');
    const control = circuitControl();
    expect(control.add(asBreaker).state).toBe('closed');
    control.isolate('maintenance');
    expect([breaker.state, breaker.commands]).toEqual(['isolated', ['isolate']]);
  });

  it('stays closed whatever fails, and open whatever time passes', async () => {
    const calls = pipeline(breaker);
    for (let n = 0; n < 100; n++) await calls.tryExecute(down);
    expect(breaker.state).toBe('closed');
    breaker.answer('open', 5_000);
    await clock.advance(3_600_000);
    expect(await rejection(calls.execute(item))).toMatchObject({
      code: 'CIRCUIT_OPEN',
      retryAfterMs: 5_000,
      policy: 'stock',
    });
    expect([breaker.state, breaker.retryAfterMs, breaker.timeInStateMs]).toEqual(['open', 5_000, 3_600_000]);
  });

  it('answers by the state that it is told: half-open lets calls through, isolated refuses them', async () => {
    const calls = pipeline(breaker);
    breaker.answer('half-open');
    await expect(Promise.all([calls.execute(item), calls.execute(item)])).resolves.toEqual(['item', 'item']);
    breaker.answer('isolated');
    expect(await rejection(calls.execute(item))).toMatchObject({ code: 'CIRCUIT_ISOLATED' });
    expect(breaker.retryAfterMs).toBe(Infinity);
  });

  it('gives single answers, once each, without changing its state', async () => {
    const calls = pipeline(breaker);
    breaker.answerNext('open', 'closed', 'isolated');
    const outcomes = [];
    for (let n = 0; n < 4; n++) outcomes.push((await calls.tryExecute(item)).ok);
    expect([outcomes, breaker.state]).toEqual([[false, true, false, true], 'closed']);
  });

  it('remembers what it was asked, and what it was told of how that came out', async () => {
    const gate = bulkhead({ maxConcurrent: 1 });
    const calls = pipeline({ clock, name: 'calls' }, timeout({ timeoutMs: 100 }), breaker, gate);
    await calls.tryExecute(item, { key: 'a' });
    await calls.tryExecute(down);
    const running = watched(calls.execute(() => deferred().promise));
    await calls.tryExecute(item);
    await clock.advance(100);
    const controller = new AbortController();
    const aborted = watched(calls.execute(() => deferred().promise, { signal: controller.signal }));
    controller.abort('left');
    breaker.answer('open');
    await calls.tryExecute(item);
    await clock.advance(0);
    expect([running.state, aborted.state]).toEqual(['rejected', 'rejected']);
    const same = { key: undefined, pipeline: 'calls', answer: 'closed' };
    expect(breaker.requests).toMatchObject([
      { ...same, key: 'a', told: 'success', error: undefined },
      { ...same, told: 'failure', error: new Error('down') },
      { ...same, told: 'failure', error: { code: 'TIMEOUT' } },
      { ...same, told: 'neutral', error: { code: 'BULKHEAD_FULL' } },
      { ...same, told: 'neutral', error: 'left' },
      { ...same, answer: 'open', told: 'refused', error: { code: 'CIRCUIT_OPEN' } },
    ]);
    expect(breaker.lastError).toMatchObject({ code: 'TIMEOUT' });
  });

  it('is asked at each attempt of a retry outside it', async () => {
    await pipeline({ clock }, retry({ backoff: constant(0) }), breaker).tryExecute(down);
    expect(breaker.requests.map(({ told }) => told)).toEqual(['failure', 'failure', 'failure']);
  });

  it('shows what it is told to, and forgets what it was asked when it is cleared', async () => {
    await pipeline(breaker).tryExecute(down);
    Object.assign(breaker, { failureRatio: 0.4, slowCallRatio: 0.1, throughput: 50 });
    breaker.reset();
    breaker.clear();
    expect([breaker.requests, breaker.commands, breaker.history]).toEqual([[], [], []]);
    expect([breaker.failureRatio, breaker.slowCallRatio, breaker.throughput]).toEqual([0.4, 0.1, 50]);
  });

  it('pends as long as the call does', () => {
    watched(pipeline(breaker).execute(() => deferred().promise));
    expect(breaker.requests).toMatchObject([{ told: 'pending' }]);
  });
});

describe('the commands of a controllable breaker', () => {
  it('do what they say, are told as events, and are remembered', async () => {
    const events = recordEvents(breaker.events);
    expect([breaker.forceOpen('by hand'), breaker.forceHalfOpen()]).toEqual([true, true]);
    breaker.reset();
    expect(events.all.map((event) => ('from' in event ? `${event.from} → ${event.to}: ${event.reason}` : ''))).toEqual([
      'closed → open: by hand',
      'open → half-open: forced',
      'half-open → closed: reset',
    ]);
    expect(breaker.history.map(({ to }) => to)).toEqual(['open', 'half-open', 'closed']);
    expect(breaker.commands).toEqual(['forceOpen', 'forceHalfOpen', 'reset']);
    expect(breaker.openedAt).toBe(clock.wallTime());
  });

  it('count the holders of an isolation, which no other command but reset ends', async () => {
    const [first, second] = [breaker.isolate('deploy'), breaker.isolate()];
    expect([breaker.forceOpen(), breaker.forceHalfOpen()]).toEqual([false, false]);
    expect(await rejection(pipeline(breaker).execute(item))).toMatchObject({ message: /deploy, isolated/ });
    first();
    first();
    expect(breaker.state).toBe('isolated');
    second();
    expect(breaker.state).toBe('closed');
    const third = breaker.isolate();
    breaker.reset();
    breaker.answer('isolated');
    third();
    expect(breaker.state).toBe('isolated');
  });

  it('hand its state on to a real breaker, and take one over', () => {
    breaker.answer('open', 5_000);
    const real = circuitBreaker({ clock });
    real.hydrate(breaker.toJSON());
    expect([real.state, real.retryAfterMs]).toEqual(['open', 5_000]);
    real.reset();
    real.isolate('deploy');
    breaker.hydrate(real.toJSON());
    expect([breaker.state, breaker.commands]).toEqual(['isolated', ['hydrate']]);
    const next = new ControllableBreaker({ clock });
    next.hydrate({ ...breaker.toJSON(), state: 'open', breakMs: 900, retryAfterMs: 700 });
    expect([next.state, next.retryAfterMs]).toEqual(['open', 700]);
  });

  it('are measured by the clock of its first pipeline where it was given none', async () => {
    const unbound = new ControllableBreaker();
    await clock.advance(1_000);
    pipeline({ clock }, unbound);
    pipeline({ clock }, unbound);
    await clock.advance(250);
    expect([unbound.name, unbound.timeInStateMs]).toEqual(['circuit-breaker', 250]);
    expect(() => new ControllableBreaker({ nmae: 'stock' } as never)).toThrow(/did you mean name/);
  });
});
