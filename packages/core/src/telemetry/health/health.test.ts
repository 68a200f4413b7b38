import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { rateLimiter } from '../../rate-limit/local-limiter.ts';
import { TimeoutError } from '../../timeout/errors.ts';
import { callHealth, limiterCheck, loadCheck } from './call-health.ts';
import type { HealthCheckContext, HealthFinding, HealthProbe } from './health.ts';
import { healthChecks } from './health-checks.ts';
import type { HealthChecksOptions } from './options.ts';
import { type HealthMeasures, thresholdCheck } from './thresholds.ts';

const ok: HealthProbe = () => undefined;
const never: HealthProbe = () => new Promise(() => undefined);
const fail: HealthProbe = () => {
  throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432'), { code: 'ECONNREFUSED' });
};

function health(checks: HealthChecksOptions['checks'], more: Partial<HealthChecksOptions> = {}) {
  const clock = new VirtualClock();
  return { clock, checks: healthChecks({ checks, clock, ...more }) };
}

/** The status of the whole and of each check. */
async function statuses(of: ReturnType<typeof health>, kind?: 'liveness' | 'readiness') {
  const { status, checks } = await (kind === undefined ? of.checks.check() : of.checks.check(kind));
  return [status, Object.fromEntries(Object.entries(checks).map(([name, report]) => [name, report.status]))];
}

describe('health checks', () => {
  it('are as well as the worst of them; one that is not critical degrades the whole at most', async () => {
    expect(await statuses(health({}))).toEqual(['healthy', {}]);
    expect(await statuses(health({ a: ok, b: () => 'degraded' }))).toEqual([
      'degraded',
      { a: 'healthy', b: 'degraded' },
    ]);
    expect(await statuses(health({ a: ok, b: fail }))).toEqual(['unhealthy', { a: 'healthy', b: 'unhealthy' }]);
    expect(await statuses(health({ a: ok, b: { check: fail, critical: false } }))).toEqual([
      'degraded',
      { a: 'healthy', b: 'unhealthy' },
    ]);
  });

  it('report message, details, time and age, redacted, and of foreign errors only what kind they are', async () => {
    const { checks, clock } = health({
      slow: async () => {
        await new Promise<void>((done) => void clock.setTimer(30, done));
        return { status: 'degraded', message: 'with token abcdef12', details: { token: 'abcdef12', lag: 3 } };
      },
      foreign: fail,
      own: () => Promise.reject(new TimeoutError('db', 50)),
    });
    const asked = checks.check();
    await clock.advance(30);
    const report = await asked;
    expect(report.timestamp).toBe('2026-01-01T00:00:00.030Z');
    expect(report.checks).toEqual({
      slow: {
        status: 'degraded',
        message: 'with token [redacted]',
        details: { token: '[redacted]', lag: 3 },
        durationMs: 30,
        ageMs: 0,
        critical: true,
      },
      foreign: { status: 'unhealthy', message: 'The network failed', durationMs: 0, ageMs: 30, critical: true },
      own: { status: 'unhealthy', message: 'no answer within 50 ms (db)', durationMs: 0, ageMs: 30, critical: true },
    });
    const told = health({ foreign: fail }, { foreignMessages: true });
    expect((await told.checks.check()).checks['foreign']!.message).toBe('connect ECONNREFUSED 10.0.0.7:5432');
  });

  it('that take too long are unhealthy, aborted, and not begun again until they have ended', async () => {
    let ended: () => void = () => undefined;
    const hung = vi.fn((_context: HealthCheckContext) => new Promise<void>((done) => (ended = done)));
    const of = health({ hung: { check: hung, timeoutMs: 100, cacheMs: 0 } });
    const first = of.checks.check();
    await of.clock.advance(100);
    expect((await first).checks['hung']).toMatchObject({
      status: 'unhealthy',
      message: 'no answer within 100 ms',
      durationMs: 100,
    });
    expect(hung.mock.calls[0]![0].signal.aborted).toBe(true);
    expect((await of.checks.check()).checks['hung']!.message).toBe('the check before this one has not ended yet');
    expect(hung).toHaveBeenCalledTimes(1);
    ended();
    await of.clock.advance(0);
    const again = of.checks.check();
    await of.clock.advance(0);
    ended();
    expect((await again).status).toBe('healthy');
    expect([hung.mock.calls.length, of.clock.pendingTimers]).toEqual([2, 0]);
  });

  it('are run once for all who ask at once, and not again while what they found is young enough', async () => {
    const check = vi.fn(ok);
    const of = health({ a: { check, cacheMs: 500 } });
    await Promise.all(Array.from({ length: 100 }, () => of.checks.check()));
    expect(check).toHaveBeenCalledTimes(1);
    await of.clock.advance(499);
    expect((await of.checks.check()).checks['a']!.ageMs).toBe(499);
    await of.clock.advance(1);
    await of.checks.check();
    expect(check).toHaveBeenCalledTimes(2);
  });

  it('run after those that they depend on, and not at all while one of those is unhealthy', async () => {
    const order: string[] = [];
    const note =
      (name: string, answer: 'healthy' | 'degraded' | 'unhealthy'): HealthProbe =>
      () => {
        order.push(name);
        return answer;
      };
    const of = health({
      orders: { check: note('orders', 'healthy'), dependsOn: ['database'] },
      database: { check: note('database', 'degraded'), dependsOn: ['network'] },
      network: note('network', 'healthy'),
    });
    expect(await statuses(of)).toEqual(['degraded', { network: 'healthy', database: 'degraded', orders: 'healthy' }]);
    expect(order).toEqual(['network', 'database', 'orders']);
    const orders = vi.fn(ok);
    const down = health({ orders: { check: orders, dependsOn: ['database'] }, database: fail });
    const report = await down.checks.check();
    expect(report.checks['orders']).toMatchObject({
      status: 'unhealthy',
      message: 'not checked: database is unhealthy',
    });
    expect(orders).not.toHaveBeenCalled();
  });

  it('tell liveness and readiness apart: a database that is away is no reason to restart', async () => {
    const of = health({
      database: fail,
      loop: { check: ok, probes: ['liveness'] },
      disk: { check: () => 'degraded', probes: ['liveness', 'readiness'] },
    });
    expect(await statuses(of, 'liveness')).toEqual(['degraded', { loop: 'healthy', disk: 'degraded' }]);
    expect(await statuses(of, 'readiness')).toEqual(['unhealthy', { database: 'unhealthy', disk: 'degraded' }]);
  });

  it('tell when a status changes, once, of each check and of the whole', async () => {
    let answer: 'healthy' | 'unhealthy' = 'healthy';
    const of = health({ a: { check: () => answer, cacheMs: 0 } });
    const told: unknown[] = [];
    of.checks.events.on('health-changed', ({ check, from, to }) => told.push([check, from, to]));
    await of.checks.check();
    answer = 'unhealthy';
    await of.checks.check();
    await of.checks.check();
    answer = 'healthy';
    await of.checks.check();
    expect(told).toEqual([
      ['a', 'healthy', 'unhealthy'],
      [undefined, 'healthy', 'unhealthy'],
      ['a', 'unhealthy', 'healthy'],
      [undefined, 'unhealthy', 'healthy'],
    ]);
  });

  it('that are closed abort what runs, are unhealthy, and leave no timer', async () => {
    const check = vi.fn(never);
    const of = health({ a: check });
    const asked = of.checks.check();
    await of.clock.advance(0);
    of.checks.close();
    expect((await asked).checks['a']).toMatchObject({ status: 'unhealthy', message: 'closed' });
    expect(await statuses(of)).toEqual(['unhealthy', { a: 'unhealthy' }]);
    expect([check.mock.calls.length, of.clock.pendingTimers]).toEqual([1, 0]);
    const empty = health({});
    empty.checks.close();
    expect(await statuses(empty)).toEqual(['unhealthy', {}]);
  });

  it('begin no check that was waiting for another when they were closed', async () => {
    const check = vi.fn(ok);
    const of = health({ a: { check, dependsOn: ['b'], cacheMs: 0 }, b: { check: ok, cacheMs: 1_000 } });
    await of.checks.check();
    await of.clock.advance(1);
    const asked = of.checks.check();
    of.checks.close();
    expect((await asked).checks['a']).toMatchObject({ status: 'unhealthy', message: 'closed' });
    expect(check).toHaveBeenCalledTimes(1);
  });

  it('never take an answer that they do not know for good health', async () => {
    const of = health({ a: (() => ({ ok: true })) as never, b: (() => 'fine') as never });
    expect(await statuses(of)).toEqual(['unhealthy', { a: 'unhealthy', b: 'unhealthy' }]);
  });

  it('are refused when they depend on what is not there or on each other, or have unknown options', () => {
    expect(() => health({ a: { check: ok, dependsOn: ['databse'] }, database: ok })).toThrow(
      /'databse'.*did you mean database/,
    );
    expect(() => health({ a: { check: ok, dependsOn: ['nothing like it'] } })).toThrow(/'nothing like it'$/);
    expect(() => health({ a: { check: ok, dependsOn: ['b'] }, b: { check: ok, dependsOn: ['a'] } })).toThrow(
      /a → b → a/,
    );
    expect(() => health({ a: { check: ok, timeoutMs: 0 }, b: { check: ok, probes: ['alive'] } } as never)).toThrow(
      /a.timeoutMs[^]*b.probes/,
    );
    expect(() => healthChecks({} as never)).toThrow(/healthChecks.checks/);
  });
});

describe('a check by thresholds', () => {
  const status = async (measures: HealthMeasures): Promise<unknown> => {
    const finding = await thresholdCheck(() => measures)({ signal: new AbortController().signal });
    return (finding as { status: string }).status;
  };

  it.each([
    ['errorRatio', 0.0999, 0.1, 0.2499, 0.25],
    ['latencyMs', 2_999, 3_000, 9_999, 10_000],
    ['consecutiveFailures', 4, 5, 9, 10],
    ['limitUseRatio', 0.799, 0.8, 0.949, 0.95],
  ])('of %s is healthy below %d, degraded from %d to %d, and unhealthy from %d on', async (name, ...values) => {
    const found = await Promise.all(values.map((value) => status({ [name]: value })));
    expect(found).toEqual(['healthy', 'degraded', 'degraded', 'unhealthy']);
  });

  it('says nothing of what is not known, and of an error ratio of too few calls', async () => {
    expect(await status({})).toBe('healthy');
    expect(await status({ latencyMs: Number.NaN, errorRatio: undefined })).toBe('healthy');
    expect(await status({ errorRatio: 1, calls: 9 })).toBe('healthy');
    expect(await status({ errorRatio: 1, calls: 10 })).toBe('unhealthy');
  });

  it('says why, for all measures that are not as they should be', async () => {
    const check = thresholdCheck(() => ({ errorRatio: 0.15, latencyMs: 12_000 }), {
      errorRatio: { degraded: 0.12, unhealthy: 0.5 },
    });
    expect(await check({ signal: new AbortController().signal })).toEqual({
      status: 'unhealthy',
      message: '15 % of calls fail; calls take 12000 ms',
      details: { errorRatio: 0.15, latencyMs: 12_000 },
    });
  });

  it('is not made better by what comes after the worst', async () => {
    expect(await status({ errorRatio: 1, latencyMs: 3_000, limitUseRatio: 0.8 })).toBe('unhealthy');
  });

  it('refuses thresholds that can not be meant', () => {
    expect(() => thresholdCheck(() => ({}), { errorRatio: { degraded: 0.5, unhealthy: 0.1 }, minCalls: 0 })).toThrow(
      /errorRatio[^]*minCalls/,
    );
    expect(() => thresholdCheck(3 as never)).toThrow(/thresholdCheck.measure/);
  });
});

describe('the health of calls', () => {
  it('follows error ratio, latency and failures in a row over the last minute, and says unhealthy', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ name: 'api', clock });
    const lately = callHealth(calls, { clock });
    const checks = healthChecks({ clock, checks: { api: { check: lately.check(), cacheMs: 0 } } });
    const status = async (): Promise<string> => (await checks.check()).status;
    const call = async (ms: number, fails: boolean): Promise<void> => {
      const done = calls.tryExecute(async () => {
        await new Promise<void>((resolve) => void clock.setTimer(ms, resolve));
        if (fails) throw new Error('down');
      });
      await clock.advance(ms);
      await done;
    };
    expect([lately.measure(), await status()]).toEqual([
      { errorRatio: undefined, calls: 0, latencyMs: undefined, consecutiveFailures: 0 },
      'healthy',
    ]);
    for (let n = 0; n < 18; n++) await call(100, false);
    expect(await status()).toBe('healthy');
    for (let n = 0; n < 2; n++) await call(100, true);
    expect(lately.measure()).toMatchObject({ errorRatio: 0.1, calls: 20, consecutiveFailures: 2 });
    expect(Math.abs(lately.measure().latencyMs! / 100 - 1)).toBeLessThan(0.02);
    expect(await status()).toBe('degraded');
    for (let n = 0; n < 10; n++) await call(100, true);
    expect(await status()).toBe('unhealthy');
    await call(100, false);
    expect(lately.measure().consecutiveFailures).toBe(0);
    await clock.advance(65_000);
    expect([lately.measure().calls, await status()]).toEqual([0, 'healthy']);
    lately.stop();
    await call(1, true);
    expect(lately.measure().calls).toBe(0);
  });

  it('of a source of load is that of its use, and nothing is measured before somebody asks', async () => {
    let [made, load] = [0, 0.5];
    const source = { name: 'played', createReader: () => (made++, { read: () => load, stop: () => undefined }) };
    const checks = healthChecks({ checks: { load: { check: loadCheck(source), cacheMs: 0 } } });
    expect(made).toBe(0);
    expect((await checks.check()).status).toBe('healthy');
    load = 0.9;
    expect((await checks.check()).status).toBe('degraded');
    load = 1;
    expect((await checks.check()).status).toBe('unhealthy');
    expect(made).toBe(1);
  });

  it('of a limiter is how much of it is used, and takes nothing of it', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 100, periodMs: 60_000, clock });
    const check = limiterCheck(limiter, {}, 'client');
    const status = async (): Promise<string> => {
      const checks = healthChecks({ clock, checks: { limit: check } });
      return (await checks.check()).status;
    };
    limiter.tryAcquire('client', { cost: 79 });
    expect([await status(), await status()]).toEqual(['healthy', 'healthy']);
    limiter.tryAcquire('client', { cost: 1 });
    expect(await status()).toBe('degraded');
    limiter.tryAcquire('client', { cost: 15 });
    expect(await status()).toBe('unhealthy');
    limiter.ban('other', 1_000);
    const ratio = async (of: Parameters<typeof limiterCheck>[0], key?: string): Promise<unknown> => {
      const finding = await limiterCheck(of, {}, key)({ signal: new AbortController().signal });
      return (finding as HealthFinding).details!['limitUseRatio'];
    };
    expect(await ratio(limiter, 'other')).toBe(1);
    expect(await ratio({ check: async () => ({ limitValue: Infinity, remaining: Infinity }) })).toBe(0);
  });

  it('is refused with a window that is none', () => {
    expect(() => callHealth(pipeline(), { windowMs: 0, quantile: 2 })).toThrow(/windowMs[^]*quantile/);
  });
});
