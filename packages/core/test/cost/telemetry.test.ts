import { createHook } from 'node:async_hooks';
import { bulkhead, circuitBreaker, fallback, pipeline, type Policy, retry, timeout } from 'breakwater';
import {
  collectMetrics,
  prometheusRegistry,
  type SpanPort,
  tracing,
  type TracingApi,
  type MeasuredPipeline,
} from 'breakwater/telemetry';
import { describe, expect, it } from 'vitest';
import { CoalescingClock } from '../../src/testing/test-support/coalescing-clock.ts';

const load = async (): Promise<string> => 'item';
const CALLS = 1_000;

/** A pipeline, whatever it tells and adds. */
type Measured = MeasuredPipeline & { execute(fn: () => Promise<string>): Promise<unknown> };

function five(clock: CoalescingClock, ...more: readonly Policy[]): Measured {
  return pipeline(
    { name: 'five', clock },
    ...more,
    timeout({ timeoutMs: 10_000 }),
    fallback({ value: 'none' }),
    retry(),
    circuitBreaker(),
    bulkhead(),
  );
}

/** What a call makes, by kinds, in thousands of calls: promises, timers, readings of the clock. */
async function cost(calls: Measured, clock: CoalescingClock): Promise<Record<string, number>> {
  for (let n = 0; n < 10; n++) await calls.execute(load);
  const { timersSet } = clock;
  clock.readings = 0;
  let promises = 0;
  const hook = createHook({ init: (_id, type) => void (promises += type === 'PROMISE' ? 1 : 0) }).enable();
  for (let n = 0; n < CALLS; n++) await calls.execute(load);
  hook.disable();
  return {
    promises: Math.round(promises / CALLS),
    timers: Math.round((clock.timersSet - timersSet) / CALLS),
    readings: Math.round(clock.readings / CALLS),
  };
}

describe('metrics', () => {
  it('cost a call no promise and no timer, only the readings of the clock for what they time', async () => {
    const clocks = [new CoalescingClock(), new CoalescingClock()] as const;
    const [plain, measured] = [five(clocks[0]), five(clocks[1])];
    collectMetrics({ meter: prometheusRegistry() }).watch(measured);
    const bare = await cost(plain, clocks[0]);
    expect(bare['readings']).toBe(0);
    // When the call and its attempt began and ended, and the time of day of both ends.
    expect(await cost(measured, clocks[1])).toEqual({ ...bare, readings: 6 });
  });

  it('cost nothing any more once watching has ended', async () => {
    const clock = new CoalescingClock();
    const calls = five(clock);
    const bare = await cost(calls, clock);
    const stop = collectMetrics({ meter: prometheusRegistry() }).watch(calls);
    stop();
    expect(await cost(calls, clock)).toEqual(bare);
  });
});

describe('traces', () => {
  it('cost a call no promise, no timer and no reading of the clock of their own', async () => {
    const span: SpanPort = {
      spanContext: () => ({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 }),
      setAttribute: () => span,
      addEvent: () => span,
      setStatus: () => span,
      end: () => undefined,
    };
    const api: TracingApi = {
      context: { active: () => api, with: (_context, fn) => fn() },
      trace: { setSpan: (context) => context, getSpan: () => span, setSpanContext: (context) => context },
    };
    const clocks = [new CoalescingClock(), new CoalescingClock()] as const;
    const bare = await cost(five(clocks[0]), clocks[0]);
    const traced = five(clocks[1], tracing({ tracer: { startSpan: () => span }, api }));
    expect(await cost(traced, clocks[1])).toEqual(bare);
  });
});
