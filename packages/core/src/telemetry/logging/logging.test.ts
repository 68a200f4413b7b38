import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { redactor } from '../../errors/redactor.ts';
import { propertyRuns } from '../../testing/test-support/property-runs.ts';
import { TimeoutError } from '../../timeout/errors.ts';
import { createLogger, sharedLogger } from './create-logger.ts';
import type { LoggerOptions } from './options.ts';
import { logOperation } from './log-operation.ts';

/** A logger, and what it has written. */
function written(options: LoggerOptions = {}) {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const logger = createLogger({ name: 'shop', clock, write: (line) => lines.push(line), ...options });
  const records = (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { clock, lines, logger, records };
}

describe('a line of JSON', () => {
  it('has time, level, logger, message, ids, error and extras, in that order', () => {
    const context = () => ({
      correlation_id: 'req-7',
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
      tenant: 'north',
    });
    const { logger, lines } = written({ context, fields: { service: 'api' } });
    logger.child('payments', { currency: 'EUR' }).warn('declined', {
      error: new Error('no funds', { cause: new TypeError('balance') }),
      amount: 12,
    });
    expect(lines).toEqual([
      '{"timestamp":"2026-01-01T00:00:00.000Z","level":"warn","logger":"shop.payments","message":"declined",' +
        '"correlation_id":"req-7","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331",' +
        '"error":{"name":"Error","message":"no funds","category":"internal","code":"INTERNAL","retryable":false,' +
        '"causes":[{"name":"TypeError","message":"balance"}]},' +
        '"tenant":"north","service":"api","currency":"EUR","amount":12}',
    ]);
  });

  it('tells what the library knows of an error, and its stack only where that was asked for', () => {
    const { logger, records } = written();
    const error = new TimeoutError('upstream', 200);
    logger.error('failed', { error });
    expect(records()[0]!['error']).toMatchObject({ name: 'TimeoutError', code: 'TIMEOUT', category: 'timeout' });
    expect(records()[0]!['error']).not.toHaveProperty('trace');
    const withStacks = written({ stacks: true });
    withStacks.logger.error('failed', { error: new Error('boom') });
    expect(withStacks.lines).toHaveLength(1);
    expect((withStacks.records()[0]!['error'] as { trace: string }).trace).toMatch(/^Error: boom\n/);
  });

  it('belongs to what is under way, whatever its fields say', () => {
    const { logger, records } = written({ context: () => ({ correlation_id: 'real', tenant: 'north' }) });
    logger.info('hello', { correlation_id: 'forged', tenant: 'south' });
    expect(records()[0]).toMatchObject({ correlation_id: 'real', tenant: 'south' });
  });

  it('keeps its own fields where others have their names, and data under any name', () => {
    const { logger, records } = written();
    logger.info('hello', {
      level: 'fatal',
      message: 'other',
      timestamp: 0,
      logger: 'x',
      trace_id: 'no id',
      ...JSON.parse('{"__proto__": 1}'),
    } as Record<string, unknown>);
    expect(records()[0]).toMatchObject({
      level: 'info',
      message: 'hello',
      logger: 'shop',
      field_level: 'fatal',
      field_message: 'other',
      field_timestamp: 0,
      field_logger: 'x',
      trace_id: 'no id',
    });
  });

  it('that would be too long keeps what it is about, and says how long it was', () => {
    const { logger, records, lines } = written({ maxLineLength: 2_000 });
    logger.info('many', { correlation_id: 'a', list: Array.from({ length: 90 }, () => 'x'.repeat(100)) });
    logger.info('\u0000'.repeat(5_000));
    expect(records()[0]).toMatchObject({ message: 'many', correlation_id: 'a' });
    expect(records().map((record) => (record['shortened_from'] as number) > 2_000)).toEqual([true, true]);
    expect(lines.every((line) => line.length <= 2_000)).toBe(true);
  });

  it.each([
    ['a cycle', () => Object.assign([], { 0: 'x' }) && ((o: Record<string, unknown>) => ((o['self'] = o), o))({})],
    ['a getter that throws', () => Object.defineProperty({}, 'x', { enumerable: true, get: () => JSON.parse('{') })],
    ['a big integer, a symbol, a function and nothing', () => ({ a: 1n, b: Symbol('s'), c: () => 1, d: undefined })],
    ['a proxy that throws', () => new Proxy({}, { ownKeys: () => JSON.parse('{') as never })],
    ['a toJSON that throws', () => ({ toJSON: () => JSON.parse('{') as never })],
    ['a Map and a Set', () => new Map<unknown, unknown>([['a', new Set([1])]])],
  ])('holds %s', (_, make) => {
    const { logger, records } = written();
    logger.info('odd', { value: make() });
    expect(records()[0]).toHaveProperty('value');
    expect(logger.statistics).toEqual({ written: 1, suppressed: 0, failed: 0 });
  });
});

describe('levels', () => {
  it('below the least one are not written, nor is anything with "off"', () => {
    const { logger, records } = written({ level: 'warn' });
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level);
    expect(records().map(({ level }) => level)).toEqual(['warn', 'error']);
    expect([logger.isEnabled('info'), logger.isEnabled('error')]).toEqual([false, true]);
    const off = written({ level: 'off' });
    off.logger.error('x');
    expect([off.lines, off.logger.isEnabled('error')]).toEqual([[], false]);
  });

  it('are info and above by default', () => {
    const { logger, records } = written();
    logger.debug('no');
    logger.info('yes');
    expect(records().map(({ message }) => message)).toEqual(['yes']);
  });
});

describe('a line for a terminal', () => {
  it('shows time, level, logger, message, error and fields', () => {
    const { logger, lines } = written({ format: 'terminal' });
    logger.child('db').error('query failed', {
      error: new TimeoutError('db', 50),
      rows: 3,
      table: 'user accounts',
      ok: 'plain-word',
    });
    expect(lines).toEqual([
      '00:00:00.000 ERROR shop.db query failed TimeoutError: no answer within 50 ms (db) [TIMEOUT] ' +
        'rows=3 table="user accounts" ok=plain-word',
    ]);
  });

  it('is cut where it is too long', () => {
    const { logger, lines } = written({ format: 'terminal', maxLineLength: 1_000 });
    logger.info('x'.repeat(5_000));
    expect(lines[0]).toHaveLength(1_001);
  });
});

const hostile = [
  'a\n{"level":"error","message":"forged"}',
  'a\r\n2026-01-01 ERROR forged',
  '\u001b[2J\u001b[1;31mforged',
  '\u009b31mforged\u0085next\u2028line\u2029line',
  '\u202Egnihtemos\u2066',
  '"}{"level":"error"',
  '\u0000\b\f\v\u007f',
  '\ud800 lone',
  'tag\u{e0041}',
];
const FORBIDDEN = /[\p{Cc}\u2028-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u;

describe('a log, whatever is written into it', () => {
  const anyText = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary', maxLength: 40 }));

  it('has one line a message, which parses, has the same fields, and no character that a terminal obeys', () => {
    const property = fc.property(anyText, anyText, anyText, (message, name, value) => {
      const { logger, lines, records } = written({ redactor: { text: (t) => t, value: (v) => v } });
      const error = Object.assign(new Error(value), { name: message });
      logger.child('x').warn(message, { [`f_${name}`]: value, error });
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toMatch(FORBIDDEN);
      expect(records()[0]).toMatchObject({ level: 'warn', logger: 'shop.x' });
      // A lone surrogate is no text: JSON tells it as its escape, which reads back as itself.
      expect(records()[0]!['message']).toBe(message);
      expect(records()[0]![`f_${name}`]).toBe(value);
    });
    fc.assert(property, propertyRuns(300));
  });

  it('has one line a message on a terminal too, with nothing that it obeys', () => {
    const property = fc.property(anyText, anyText, anyText, (message, name, value) => {
      const { logger, lines } = written({ format: 'terminal' });
      const error = Object.assign(new Error(value), { name: message });
      logger.child(name === '' ? 'x' : name).warn(message, { [`f${name}`]: value, list: [value, { value }], error });
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toMatch(FORBIDDEN);
    });
    fc.assert(property, propertyRuns(300));
  });
});

describe('secrets', () => {
  const secret = 'hunter2-very-secret';

  it('are taken out under their names, by their form, and wherever else what stood under such a name appears', () => {
    const { logger, lines } = written();
    const error = Object.assign(new Error(`401 for token ${secret}`), {
      headers: { authorization: `Bearer ${secret}` },
    });
    logger.error(`login with ${secret} failed`, {
      error,
      password: secret,
      url: `https://user:${secret}@host/path?token=${secret}`,
      headers: new Headers({ cookie: `sid=${secret}` }),
      nested: { deep: [{ api_key: secret }] },
    });
    expect(lines.join('\n')).not.toContain(secret);
    expect(lines.join('\n')).toContain('[redacted]');
  });

  it('are taken out of the correlation id, the context and the stack as well', () => {
    const { logger, lines } = written({
      stacks: true,
      redactor: redactor({ values: [secret] }),
      context: () => ({ correlation_id: secret, session: secret, note: `is ${secret}` }),
    });
    logger.info('hello', { error: new Error(`about ${secret}`) });
    expect(lines.join('\n')).not.toContain(secret);
  });

  it('do not hide the ids of traces, which are digits by chance', () => {
    const { logger, records } = written({ context: () => ({ span_id: '4111111111111111', trace_id: '1'.repeat(32) }) });
    logger.info('hello');
    expect(records()[0]).toMatchObject({ span_id: '4111111111111111', trace_id: '1'.repeat(32) });
  });
});

describe('repeated lines', () => {
  it('are written so many times in a span, then counted, and told with their count when the span is over', async () => {
    const { logger, records, clock } = written({ maxRepeats: 2, repeatWindowMs: 1_000 });
    for (let n = 0; n < 10; n++) logger.warn('down', { n });
    logger.warn('other');
    expect(records().map(({ message, n }) => [message, n])).toEqual([
      ['down', 0],
      ['down', 1],
      ['other', undefined],
    ]);
    expect(logger.statistics).toMatchObject({ written: 3, suppressed: 8 });
    await clock.advance(1_000);
    expect(records().at(-1)).toMatchObject({ level: 'warn', message: 'down', repeated: 8 });
    expect(clock.pendingTimers).toBe(0);
    logger.warn('down');
    expect(records().at(-1)).not.toHaveProperty('repeated');
  });

  it('are told by flush at once, which leaves no timer', () => {
    const { logger, records, clock } = written({ maxRepeats: 1 });
    for (let n = 0; n < 3; n++) logger.child('part').info('again');
    expect(clock.pendingTimers).toBe(1);
    logger.flush();
    expect(records().map(({ logger: by, repeated }) => [by, repeated])).toEqual([
      ['shop.part', undefined],
      ['shop.part', 2],
    ]);
    expect(clock.pendingTimers).toBe(0);
    logger.flush();
    expect(records()).toHaveLength(2);
  });

  it('of which there are many different ones are remembered in bounded memory, and none is lost uncounted', () => {
    const { logger, records, clock } = written({ maxRepeats: 1 });
    for (let n = 0; n < 1_500; n++) for (let twice = 0; twice < 2; twice++) logger.info(`line ${n}`);
    expect(clock.pendingTimers).toBe(1_000);
    expect(records().filter(({ repeated }) => repeated === 1)).toHaveLength(500);
    logger.flush();
    expect(records().filter(({ repeated }) => repeated === 1)).toHaveLength(1_500);
    expect(clock.pendingTimers).toBe(0);
  });

  it('are told with what was secret in them taken out, though no field says any more what that was', () => {
    const { logger, lines } = written({ maxRepeats: 1 });
    for (let n = 0; n < 3; n++) logger.error('login as otter-77 failed', { password: 'otter-77' });
    logger.flush();
    expect(lines).toHaveLength(2);
    expect(lines.join('\n')).not.toContain('otter-77');
  });

  it('are as many written and counted as there were, whatever comes when', async () => {
    const step = fc.record({ line: fc.nat(3), waitMs: fc.constantFrom(0, 1, 400, 1_000) });
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      async (steps, most) => {
        const { logger, records, clock } = written({ maxRepeats: most, repeatWindowMs: 1_000 });
        for (const { line, waitMs } of steps) {
          logger.info(`line ${line}`);
          await clock.advance(waitMs);
        }
        logger.flush();
        const told = records().reduce((sum, { repeated }) => sum + ((repeated as number | undefined) ?? 1), 0);
        expect(told).toBe(steps.length);
        expect(clock.pendingTimers).toBe(0);
      },
    );
    await fc.assert(property, propertyRuns(100));
  });
});

describe('a logger', () => {
  it('never throws: what fails to be written is counted', () => {
    const { logger } = written({
      write: () => {
        throw new Error('disk full');
      },
    });
    logger.info('hello');
    expect(logger.statistics).toEqual({ written: 0, suppressed: 0, failed: 1 });
  });

  it('goes on without the context where telling it throws, and says so', () => {
    const { logger, records } = written({
      context: () => {
        throw new Error('lost');
      },
    });
    logger.info('hello');
    expect(records()[0]).toMatchObject({ message: 'hello', context_failed: { message: 'lost' } });
  });

  it('refuses options that can not be meant, all at once', () => {
    expect(() => createLogger({ level: 'loud', format: 'xml', port: {}, maxRepeats: 0, nam: 'x' } as never)).toThrow(
      /logger.level[^]*logger.format[^]*logger.port[^]*logger.maxRepeats[^]*logger.nam/,
    );
  });

  it('of the process is one', () => {
    expect(sharedLogger()).toBe(sharedLogger());
    expect(sharedLogger().name).toBe('app');
  });

  it('writes to the standard output, in colours to a terminal that wants them, or else to the console', () => {
    const out: string[] = [];
    const process = (isTTY: boolean, env: object) => ({
      stdout: { isTTY, write: (text: string) => out.push(text) },
      env,
    });
    const line = (stub: unknown): string | undefined => {
      vi.stubGlobal('process', stub);
      createLogger({ clock: new VirtualClock() }).info('hello');
      return out.pop();
    };
    expect(line(process(false, {}))).toMatch(/^\{"timestamp".*\}\n$/);
    expect(line(process(true, {}))).toBe(
      '\u001b[2m00:00:00.000\u001b[0m \u001b[32mINFO \u001b[0m \u001b[1mapp\u001b[0m hello\n',
    );
    expect(line(process(true, { NO_COLOR: '1' }))).toBe('00:00:00.000 INFO  app hello\n');
    const log = vi.spyOn(console, 'log').mockImplementation((text: string) => void out.push(text));
    expect(line(undefined)).toMatch(/^\{"timestamp".*\}$/);
    expect(log).toHaveBeenCalledTimes(1);
    vi.unstubAllGlobals();
  });
});

describe('an operation', () => {
  it('is logged when it begins and when it ends, with its time, and gives its result', async () => {
    const { logger, records, clock } = written();
    const promise = logOperation('load user', () => new Promise((done) => clock.setTimer(40, () => done('u'))), {
      logger,
      clock,
      fields: { id: 7 },
    });
    await clock.advance(40);
    expect(await promise).toBe('u');
    expect(
      records().map(({ message, operation, duration_ms, outcome, id }) => [
        message,
        operation,
        duration_ms,
        outcome,
        id,
      ]),
    ).toEqual([
      ['load user began', 'load user', undefined, undefined, 7],
      ['load user succeeded', 'load user', 40, 'success', 7],
    ]);
  });

  it('that fails is logged as an error, and its error passes unchanged', async () => {
    const { logger, records, clock } = written();
    const error = new Error('down');
    await expect(logOperation('a', () => Promise.reject(error), { logger, clock })).rejects.toBe(error);
    expect(() =>
      logOperation(
        'b',
        () => {
          throw error;
        },
        { logger, clock, level: 'debug' },
      ),
    ).toThrow(error);
    expect(records().map(({ level, message }) => [level, message].join(' '))).toEqual([
      'info a began',
      'error a failed',
      'error b failed',
    ]);
    expect(logOperation('c', () => 3, { logger, clock })).toBe(3);
  });

  it('gives the very promise of its function', () => {
    const promise = Promise.resolve(1);
    expect(logOperation('x', () => promise, { logger: written().logger })).toBe(promise);
  });
});
