import { Writable } from 'node:stream';
import { Console } from 'node:console';
import { constant, pipeline, retry } from 'breakwater';
import { createLogger, logEvents, logOperation, type LoggerPort } from 'breakwater/telemetry';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import winston from 'winston';

const secret = 'sk-live-abcdefghijklmnop';

/** A stream that keeps what is written to it. */
function kept() {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}

const ports: Record<string, (stream: Writable) => LoggerPort> = {
  pino: (stream) => pino({ level: 'debug' }, stream),
  winston: (stream) =>
    winston.createLogger({
      level: 'debug',
      format: winston.format.json(),
      transports: [new winston.transports.Stream({ stream })],
    }),
  'the console': (stream) => new Console(stream),
};

const down = (): never => {
  throw Object.assign(new Error(`down\nfor ${secret}`), { token: secret });
};

describe.each(Object.keys(ports))('%s as the logger', (name) => {
  it('gets message and fields where it wants them, at its own levels', async () => {
    const { stream, text } = kept();
    const logger = createLogger({
      name: 'shop',
      port: ports[name]!(stream),
      level: 'debug',
      fields: { service: 'api' },
    });
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](`said ${level}`, { amount: 12 });
    const lines = text().trimEnd().split('\n');
    if (name === 'the console') {
      expect(lines).toHaveLength(4);
      expect(lines[2]).toBe("said warn { logger: 'shop', service: 'api', amount: 12 }");
      return;
    }
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const levels = name === 'pino' ? [20, 30, 40, 50] : ['debug', 'info', 'warn', 'error'];
    expect(records.map(({ level }) => level)).toEqual(levels);
    expect(records[2]).toMatchObject({ logger: 'shop', service: 'api', amount: 12 });
    expect(records[2]![name === 'pino' ? 'msg' : 'message']).toBe('said warn');
  });

  it('gets the events of a pipeline and operations without secrets and without line breaks in messages', async () => {
    const { stream, text } = kept();
    const port = ports[name]!(stream);
    const calls = pipeline({ name: 'stock\nforged' }, retry({ maxAttempts: 2, backoff: constant(0) }));
    const stop = logEvents(calls, port);
    await calls.tryExecute(down);
    await logOperation('load\nforged', () => calls.execute(down), { logger: port }).catch(() => undefined);
    stop();
    expect(text()).not.toContain(secret);
    expect(text()).toContain('retry-given-up');
    expect(
      text()
        .split('\n')
        .filter((line) => line.startsWith('forged')),
    ).toEqual([]);
    if (name === 'the console') return;
    for (const line of text().trimEnd().split('\n')) JSON.parse(line);
  });
});
