import { describe, expect, it, vi } from 'vitest';
import { circuitBreaker } from '../../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../../circuit-breaker/trip-rules.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { EventChannel } from '../../events/channel.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { constant } from '../../retry/backoff.ts';
import { retry } from '../../retry/retry.ts';
import { createLogger } from './create-logger.ts';
import { logEvents, type LogEventsOptions } from './log-events.ts';

const secret = 'sk-live-abcdefghijklmnop';
const down = (): never => {
  throw Object.assign(new Error(`down for ${secret}`), { headers: { authorization: `Bearer ${secret}` } });
};

function logged(options?: LogEventsOptions) {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const logger = createLogger({ clock, write: (line) => lines.push(line), level: 'debug' });
  const records = (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const breaker = circuitBreaker({ trip: consecutive(2) });
  const calls = pipeline({ name: 'stock', clock }, retry({ maxAttempts: 2, backoff: constant(0) }), breaker);
  const stop = logEvents(calls, logger, options);
  return { clock, calls, lines, records, stop, logger };
}

describe('the events of a pipeline', () => {
  it('are written by their severity: retries and openings as warnings, failed calls as errors', async () => {
    const { calls, records } = logged();
    await calls.tryExecute(down, { key: 'sku:1' });
    expect(records().map(({ level, message }) => [level, message].join(' '))).toEqual([
      'warn stock: attempt-ended',
      'warn stock: retry',
      'warn stock: attempt-ended',
      'warn stock: circuit-opened',
      'error stock: retry-given-up',
      'error stock: call-ended',
    ]);
    expect(records()[1]).toMatchObject({
      event: 'retry',
      pipeline: 'stock',
      policy: 'retry',
      attempt: 1,
      delayMs: 0,
      outcome: 'failure',
      error: { name: 'Error', message: 'down for [redacted]' },
    });
  });

  it('carry neither secrets nor the keys of calls, unless those are wanted', async () => {
    const { calls, lines } = logged();
    await calls.tryExecute(down, { key: 'sku:1' });
    expect(lines.join('\n')).not.toContain(secret);
    expect(lines.join('\n')).not.toContain('sku:1');
    const withKeys = logged({ keys: true });
    await withKeys.calls.tryExecute(down, { key: 'sku:1' });
    expect(withKeys.records()[0]).toMatchObject({ key: 'sku:1' });
  });

  it('that matter less than was asked for are not even made', async () => {
    const { calls, records } = logged({ level: 'error' });
    const made: string[] = [];
    const spied = pipeline(
      { name: 'spied' },
      {
        kind: 'spy',
        enter: (call) => void made.push(String(call.wants('retry')), String(call.wants('call-ended'))),
        leave: (_call, _at, outcome) => outcome,
        cancel: () => undefined,
      },
    );
    const stop = logEvents(spied, createLogger({ write: () => undefined }), { level: 'error' });
    await spied.execute(() => 1);
    stop();
    await spied.execute(() => 1);
    expect(made).toEqual(['false', 'true', 'false', 'false']);
    await calls.execute(() => 'fine');
    expect(records()).toEqual([]);
    await calls.tryExecute(down);
    expect(records().map(({ event }) => event)).toEqual(['retry-given-up', 'call-ended']);
  });

  it('are not made of calls that succeed, nor of what the logger would not write', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ name: 'stock', clock }, retry({ maxAttempts: 1 }));
    const lines: string[] = [];
    const madeEvents = vi.spyOn(clock, 'wallTime');
    const stop = logEvents(calls, createLogger({ write: (line) => lines.push(line), level: 'info' }), {
      level: 'debug',
    });
    await calls.execute(() => 'fine');
    expect(madeEvents).not.toHaveBeenCalled();
    await calls.tryExecute(down);
    expect(lines).toHaveLength(3);
    stop();
    madeEvents.mockClear();
    logEvents(calls, createLogger({ write: (line) => lines.push(line), level: 'off' }), { level: 'debug' });
    await calls.tryExecute(down);
    expect([madeEvents.mock.calls.length, lines.length]).toEqual([0, 3]);
  });

  it('are written no more once that is ended, and those held back are told', async () => {
    const { calls, records, stop, logger, clock } = logged();
    for (let n = 0; n < 101; n++) logger.info('same');
    stop();
    await calls.tryExecute(down);
    expect(records().filter(({ event }) => event !== undefined)).toEqual([]);
    expect(records().at(-1)).toMatchObject({ message: 'same', repeated: 1 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('of types of your own are written where they are named, and a late value never is', () => {
    const channel = new EventChannel<{ mine: object; 'late-result': object }>();
    const lines: string[] = [];
    const logger = createLogger({ write: (line) => lines.push(line) });
    logEvents(channel, logger, { types: ['mine'] });
    const envelope = { pipeline: undefined, policy: 'my-policy', key: undefined, timestamp: 0 as never };
    channel.emit({ ...envelope, type: 'mine' });
    channel.emit({ ...envelope, type: 'late-result', outcome: 'success', value: 'private' } as never);
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'info', message: 'my-policy: mine', event: 'mine' });
    expect(lines[1]).not.toContain('private');
  });
});
