import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/** A timeout ended the call. Code `TIMEOUT`, category `timeout`. */
export class TimeoutError extends BreakwaterError {
  /** The time that there was, in milliseconds. */
  readonly timeoutMs: number;

  constructor(policy: string, timeoutMs: number, cause?: unknown) {
    const message = `no answer within ${timeoutMs} ms (${policy})`;
    super(message, { code: 'TIMEOUT', category: 'timeout', policy, details: { timeoutMs }, cause });
    this.timeoutMs = timeoutMs;
  }
}
nameError(TimeoutError, 'TimeoutError');
