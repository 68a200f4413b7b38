import { AsyncLocalStorage } from 'node:async_hooks';
import {
  bulkhead,
  type CallOptions,
  circuitBreaker,
  constant,
  consecutive,
  hedge,
  pipeline,
  retry,
  timeout,
} from 'breakwater';
import {
  currentCorrelation,
  keepAllContexts,
  logContext,
  setLogContext,
  withCorrelation,
  withLogContext,
} from 'breakwater/correlation';
import type { EventEnvelope } from 'breakwater/events';
import type { AnyPipeline } from 'breakwater/pipeline';
import type { AnyEventSource } from 'breakwater/policy';
import { createLogger, logEvents } from 'breakwater/telemetry';
import { connectionPool } from 'breakwater/connection-pool';
import { VirtualClock } from 'breakwater/testing';
import { workerPool } from 'breakwater/work';
import { describe, expect, it, vi } from 'vitest';

const id = (): string | undefined => currentCorrelation()?.correlationId;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a correlation', () => {
  it('is that of the innermost scope, for all that it begins, and none outside', async () => {
    expect([id(), logContext(), setLogContext({ a: 1 })]).toEqual([undefined, undefined, false]);
    const seen = await withCorrelation('outer', async () => {
      await turn();
      const inner = await withCorrelation('inner', async () => {
        await turn();
        return id();
      });
      return [inner, id()];
    });
    expect(seen).toEqual(['inner', 'outer']);
    expect(id()).toBeUndefined();
  });

  it('keeps a thousand requests apart that run at once', async () => {
    const logger = createLogger({ write: (line) => lines.push(line), context: logContext, maxRepeats: Infinity });
    const lines: string[] = [];
    const serve = (n: number): Promise<void> =>
      withCorrelation(`req-${n}`, async () => {
        for (let step = 0; step < 3; step++) {
          logger.info('step', { n });
          if (n % 3 === 0) await turn();
          else await Promise.resolve();
          setLogContext({ user: `user-${n}` });
        }
        logger.info('end', { n });
      });
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => serve(n)));
    const records = lines.map((line) => JSON.parse(line) as { correlation_id: string; n: number; user?: string });
    expect(records).toHaveLength(4_000);
    expect(records.filter(({ correlation_id, n }) => correlation_id !== `req-${n}`)).toEqual([]);
    expect(records.filter(({ user, n }) => user !== undefined && user !== `user-${n}`)).toEqual([]);
  });

  it('is given where none is, or none that a log could hold', () => {
    const uuid = /^[\da-f]{8}-[\da-f-]{27}$/;
    expect(withCorrelation(undefined, id)).toMatch(uuid);
    for (const bad of ['', 'a b', 'a\nb', 'x'.repeat(129), 'ü']) expect(withCorrelation(bad, id)).toMatch(uuid);
    expect(withCorrelation('!~', id)).toBe('!~');
  });

  it('of a new id within a trace stays in that trace', () => {
    const trace = { correlationId: 'a', traceId: '1'.repeat(32), spanId: '2'.repeat(16) };
    expect(withCorrelation(trace, () => withCorrelation('b', logContext))).toEqual({
      correlation_id: 'b',
      trace_id: '1'.repeat(32),
      span_id: '2'.repeat(16),
    });
  });
});

it('a platform without AsyncLocalStorage is refused with a clear error', () => {
  vi.stubGlobal('process', undefined);
  expect(() => keepAllContexts(true)).toThrow(/correlation: expected a platform with AsyncLocalStorage/);
  vi.unstubAllGlobals();
});

describe('the context of logs', () => {
  it('adds up inward, and what is set later is seen in its scope and not outside', () => {
    withLogContext({ a: 1, b: 1 }, () => {
      withLogContext({ b: 2 }, () => {
        expect(setLogContext({ c: 3 })).toBe(true);
        expect(logContext()).toEqual({ a: 1, b: 2, c: 3 });
      });
      expect(logContext()).toEqual({ a: 1, b: 1 });
      expect(withCorrelation('x', logContext)).toEqual({ a: 1, b: 1, correlation_id: 'x' });
    });
  });

  it('is no part of what another request logs meanwhile', async () => {
    const seen: unknown[] = [];
    await Promise.all([
      withLogContext({ who: 'a' }, async () => {
        await turn();
        seen.push(logContext());
      }),
      withLogContext({ who: 'b' }, async () => {
        setLogContext({ role: 'admin' });
        await turn();
        await turn();
        seen.push(logContext());
      }),
    ]);
    expect(seen).toEqual([{ who: 'a' }, { who: 'b', role: 'admin' }]);
  });
});

describe('a call that somebody else sets going again', () => {
  /** Runs a call a request, and gives which request each run of its function, and each event, believes it belongs to. */
  function requests(calls: AnyPipeline & AnyEventSource) {
    const seen: string[] = [];
    const on = calls.on.bind(calls) as (type: '*', listener: (event: EventEnvelope) => void) => () => void;
    on('*', (event) => seen.push(`${event.type} in ${id()}`));
    const request = (name: string, fn: () => unknown, options?: CallOptions): Promise<unknown> =>
      withCorrelation(name, () =>
        calls
          .execute(() => {
            seen.push(`run in ${id()}`);
            return fn();
          }, options)
          .catch((error: unknown) => error),
      );
    return { seen, request };
  }

  it('by a permit that another gives back runs as its own request, and not as the other', async () => {
    const { seen, request } = requests(pipeline(bulkhead({ maxConcurrent: 1, maxQueue: 5 })));
    await Promise.all(['a', 'b', 'c'].map((name) => request(name, turn)));
    expect(seen.filter((entry) => entry.startsWith('run'))).toEqual(['run in a', 'run in b', 'run in c']);
    expect(seen).toContain('bulkhead-queued in c');
    expect(seen.filter((entry) => entry.startsWith('call-ended'))).toEqual([
      'call-ended in a',
      'call-ended in b',
      'call-ended in c',
    ]);
  });

  it('by timers tells its timeouts, retries and hedges as its own request', async () => {
    const clock = new VirtualClock();
    const slow = () => new Promise((resolve) => clock.setTimer(500, () => resolve(0)));
    const { seen, request } = requests(
      pipeline(
        { clock },
        retry({ maxAttempts: 2, backoff: constant(100), jitter: 'none' }),
        hedge({ delayMs: 20 }),
        timeout({ timeoutMs: 50 }),
      ),
    );
    const done = ['a', 'b'].map((name) => request(name, slow));
    await withCorrelation('who moves the clock', () => clock.advance(2_000));
    await Promise.all(done);
    for (const type of ['run', 'timeout', 'hedge', 'retry', 'late-result', 'call-ended']) {
      const told = seen.filter((entry) => entry.startsWith(`${type} in`));
      expect(told.length).toBeGreaterThan(1);
      expect(new Set(told)).toEqual(new Set([`${type} in a`, `${type} in b`]));
    }
  });

  it('by its deadline or a signal that others share ends as its own request, and a breaker opens as that too', async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const { seen, request } = requests(pipeline({ clock }, breaker));
    const first = request('a', () => new Promise(() => undefined), { deadlineMs: 10 });
    await withCorrelation('who moves the clock', () => clock.advance(10));
    await first;
    expect(seen).toEqual(['run in a', 'circuit-opened in a', 'call-ended in a']);
    breaker.reset();
    seen.length = 0;
    const controller = new AbortController();
    const both = ['b', 'c'].map((name) =>
      request(name, () => new Promise(() => undefined), { signal: controller.signal }),
    );
    withCorrelation('who aborts', () => controller.abort(new Error('left')));
    await Promise.all(both);
    expect(seen.filter((entry) => entry.startsWith('call-ended'))).toEqual(['call-ended in b', 'call-ended in c']);
  });

  it('is logged with the id of its request', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ name: 'stock', clock }, timeout({ timeoutMs: 50 }));
    const lines: string[] = [];
    const logger = createLogger({ clock, write: (line) => lines.push(line), context: logContext });
    const stop = logEvents(calls, logger);
    const never = () => new Promise(() => undefined);
    const done = ['a', 'b'].map((name) => withCorrelation(name, () => calls.tryExecute(never)));
    await clock.advance(100);
    await Promise.all(done);
    stop();
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told.map(({ message, correlation_id, level }) => [message, correlation_id, level])).toEqual([
      ['stock: timeout', 'a', 'warn'],
      ['stock: call-ended', 'a', 'error'],
      ['stock: timeout', 'b', 'warn'],
      ['stock: call-ended', 'b', 'error'],
    ]);
  });

  it('and that began outside of any scope runs outside, whoever that is', async () => {
    const calls = pipeline(bulkhead({ maxConcurrent: 1, maxQueue: 1 }));
    const first = withCorrelation('a', () => calls.execute(turn));
    const second = calls.execute(async () => {
      const before = id();
      await turn();
      return [before, id()];
    });
    expect((await Promise.all([first, second]))[1]).toEqual([undefined, undefined]);
  });

  it('remembers what a tracer keeps as well, where that is asked for', async () => {
    const spans = new AsyncLocalStorage<string>();
    const seen = async (): Promise<(string | undefined)[]> => {
      const calls = pipeline(bulkhead({ maxConcurrent: 1, maxQueue: 1 }));
      const run = async (): Promise<string> => {
        const before = `${spans.getStore()} in ${id()}`;
        await turn();
        return before;
      };
      return Promise.all(
        ['a', 'b'].map((name) => spans.run(`span ${name}`, () => withCorrelation(name, () => calls.execute(run)))),
      );
    };
    try {
      keepAllContexts(true);
      expect(await seen()).toEqual(['span a in a', 'span b in b']);
      keepAllContexts(false);
      expect((await seen()).map((text) => text?.slice(-4))).toEqual(['in a', 'in b']);
    } finally {
      keepAllContexts(false);
    }
  });
});

describe('what waits in a pool', () => {
  it('runs as its own request when it gets a worker, and its end is told as that, whoever ends it', async () => {
    const clock = new VirtualClock();
    const workers = workerPool({ maxWorkers: 1, taskTimeoutMs: 50, clock });
    const seen: string[] = [];
    for (const type of ['task-started', 'task-ended'] as const) workers.on(type, () => seen.push(`${type} in ${id()}`));
    const run = () => {
      seen.push(`run in ${id()}`);
      return new Promise(() => undefined);
    };
    const done = ['a', 'b'].map((name) => withCorrelation(name, () => workers.execute(run).catch(() => undefined)));
    await withCorrelation('who moves the clock', () => clock.advance(200));
    await Promise.all(done);
    expect(seen).toEqual(
      ['a', 'b'].flatMap((name) => ['task-started', 'run', 'task-ended'].map((what) => `${what} in ${name}`)),
    );
  });

  it('is told as its own request when it gets a connection from another, or none in time', async () => {
    const clock = new VirtualClock();
    const pool = connectionPool({ create: () => ({}), maxSize: 1, maxOverflow: 0, acquireTimeoutMs: 50, clock });
    const seen: string[] = [];
    for (const type of ['resource-acquired', 'acquire-failed'] as const)
      pool.on(type, () => seen.push(`${type} in ${id()}`));
    const acquire = (name: string) => withCorrelation(name, () => pool.acquire().catch(() => undefined));
    const first = await acquire('a');
    const others = [acquire('b'), acquire('c')];
    withCorrelation('who gives back', () => first!.release());
    await withCorrelation('who moves the clock', () => clock.advance(100));
    await Promise.all(others);
    expect(seen).toEqual(['resource-acquired in a', 'resource-acquired in b', 'acquire-failed in c']);
  });
});
