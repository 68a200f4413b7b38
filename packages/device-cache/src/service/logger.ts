import { pino, type Logger } from 'pino';
import type { LogLevel } from '../config/configuration.ts';

/** The service's log: JSON lines on standard error, without what is secret. */
export function serviceLogger(level: LogLevel): Logger {
  return pino(
    {
      name: 'device-cache',
      level,
      redact: {
        paths: ['*.password', '*.token', '*.authorization', 'req.headers.authorization'],
        censor: '[redacted]',
      },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
