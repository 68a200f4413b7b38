import { describe, expect, it } from 'vitest';
import { CircuitOpenError } from '../circuit-breaker/errors.ts';
import { BreakwaterError, classify } from './index.ts';

/** An error as a library makes it: a name, a message, and what else it carries. */
const made = (name: string, message: string, more: object = {}): Error =>
  Object.assign(new Error(message), { name }, more);
const coded = (code: string, more: object = {}): Error => made('Error', code, { code, ...more });
const postgres = (code: string): Error => made('error', 'x', { code, severity: 'ERROR' });

/** As node-redis has it: the name of its errors is that of every error. */
class SimpleError extends Error {}

describe('classify', () => {
  it.each([
    ['an error of the library', new CircuitOpenError('stock', 5), 'circuit_breaker', 'CIRCUIT_OPEN', true],
    ['an aborted call', new DOMException('stop', 'AbortError'), 'internal', 'ABORTED', false],
    ['an abort of Node', coded('ABORT_ERR'), 'internal', 'ABORTED', false],
    ['a signal that timed out', new DOMException('late', 'TimeoutError'), 'timeout', 'TIMEOUT', true],
    ['a refused connection', coded('ECONNREFUSED'), 'network', 'NETWORK_REFUSED', true],
    ['a broken connection', coded('ECONNRESET'), 'network', 'NETWORK_RESET', true],
    ['a host that is not known', coded('ENOTFOUND'), 'network', 'NETWORK_DNS', true],
    ['a certificate that is not accepted', coded('CERT_HAS_EXPIRED'), 'network', 'NETWORK_TLS', false],
    ['a self-signed certificate', coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'network', 'NETWORK_TLS', false],
    ['a parser of HTTP', coded('HPE_INVALID_CONSTANT'), 'network', 'NETWORK_PROTOCOL', false],
    ['undici without an answer in time', coded('UND_ERR_HEADERS_TIMEOUT'), 'network', 'NETWORK_TIMEOUT', true],
    ['undici with a code of its own', coded('UND_ERR_NEW_IN_THIS_VERSION'), 'network', 'NETWORK_FAILED', true],
    ['a missing file', coded('ENOENT'), 'internal', 'SYSTEM_ENOENT', false],
    ['too many open files', coded('EMFILE'), 'internal', 'SYSTEM_EMFILE', true],
    [
      'a fetch that failed with a reason',
      new TypeError('fetch failed', { cause: coded('ECONNREFUSED') }),
      'network',
      'NETWORK_REFUSED',
      true,
    ],
    ['a fetch that failed without one', new TypeError('Failed to fetch'), 'network', 'NETWORK_FAILED', true],
    [
      'several addresses that all failed',
      Object.assign(new AggregateError([coded('ETIMEDOUT')]), {}),
      'network',
      'NETWORK_TIMEOUT',
      true,
    ],
    ['a status', made('HttpError', 'x', { status: 503 }), 'external_service', 'API_503', true],
    ['a status of another name', made('HttpError', 'x', { statusCode: 429 }), 'rate_limit', 'API_429', true],
    [
      'a status in a response',
      made('AxiosError', 'x', { response: { status: 401 } }),
      'authentication',
      'API_401',
      false,
    ],
    ['a status of a gateway that waited', made('HttpError', 'x', { status: 504 }), 'timeout', 'API_504', true],
    ['a status too early', made('HttpError', 'x', { status: 425 }), 'external_service', 'API_425', true],
    ['a status of the caller', made('HttpError', 'x', { status: 404 }), 'validation', 'API_404', false],
    ['a status that will not change', made('HttpError', 'x', { status: 501 }), 'external_service', 'API_501', false],
    ['a number that is no status', made('Error', 'x', { status: 1 }), 'internal', 'UNKNOWN', false],
    ['a violated constraint', postgres('23505'), 'database', 'PG_23505', false],
    ['a deadlock', postgres('40P01'), 'database', 'PG_40P01', true],
    ['a server that shuts down', postgres('57P01'), 'database', 'PG_57P01', true],
    ['a wrong password of the database', postgres('28P01'), 'authentication', 'PG_28P01', false],
    ['a statement that took too long', postgres('57014'), 'timeout', 'PG_57014', true],
    ['a lost connection of pg', new Error('Connection terminated unexpectedly'), 'database', 'PG_CONNECTION', true],
    [
      'a pool of pg that had nothing in time',
      new Error('timeout exceeded when trying to connect'),
      'timeout',
      'PG_TIMEOUT',
      true,
    ],
    ['a reply of Redis', made('ReplyError', 'WRONGTYPE Operation against'), 'cache', 'REDIS_WRONGTYPE', false],
    [
      'a reply of Redis whose class is all that names it',
      new SimpleError('WRONGPASS invalid'),
      'authentication',
      'REDIS_WRONGPASS',
      false,
    ],
    ['a Redis that is loading', made('SimpleError', 'LOADING Redis is loading'), 'cache', 'REDIS_LOADING', true],
    [
      'a Redis that asks who we are',
      made('ErrorReply', 'NOAUTH Authentication required.'),
      'authentication',
      'REDIS_NOAUTH',
      false,
    ],
    ['a reply of Redis without a word', made('ReplyError', 'unknown'), 'cache', 'REDIS_ERR', false],
    ['a lost connection of Redis', made('MaxRetriesPerRequestError', 'x'), 'cache', 'REDIS_CONNECTION', true],
    [
      'broken JSON',
      (() => {
        try {
          return JSON.parse('{');
        } catch (error) {
          return error;
        }
      })(),
      'parsing',
      'PARSING',
      false,
    ],
    ['broken CSV', coded('CSV_QUOTE_NOT_CLOSED'), 'parsing', 'PARSING', false],
    ['a bug', new TypeError('x is not a function'), 'internal', 'INTERNAL', false],
    ['a plain error', new Error('no'), 'internal', 'UNKNOWN', false],
    ['a string', 'no', 'internal', 'UNKNOWN', false],
    ['nothing', undefined, 'internal', 'UNKNOWN', false],
  ] as const)('knows %s', (_, error, category, code, retryable) => {
    expect(classify(error)).toMatchObject({ category, code, retryable });
  });

  it('takes the error at its own word: retryable, and after how long', () => {
    const error = Object.assign(new Error('no'), { retryable: true, retryAfterMs: 1_500 });
    expect(classify(error)).toEqual({ category: 'internal', code: 'UNKNOWN', retryable: true, retryAfterMs: 1_500 });
    expect(classify(Object.assign(new Error('no'), { status: 503, retryable: false }))).toMatchObject({
      retryable: false,
      status: 503,
    });
    expect(classify({ retryAfterMs: -1 })).not.toHaveProperty('retryAfterMs');
  });

  it('asks the cause of an error that says nothing itself, and ends where causes go in circles', () => {
    const wrapped = new Error('could not save', { cause: new Error('query failed', { cause: postgres('40001') }) });
    expect(classify(wrapped)).toMatchObject({ category: 'database', code: 'PG_40001', retryable: true });
    const circle = new Error('a');
    circle.cause = new Error('b', { cause: circle });
    expect(classify(circle)).toMatchObject({ code: 'UNKNOWN' });
  });

  it('knows nothing of an error whose getters throw, rather than throw itself', () => {
    const trap = Object.defineProperty(new Error('x'), 'code', {
      get: () => {
        throw new RangeError('trap');
      },
    });
    expect(classify(trap)).toEqual({ category: 'internal', code: 'UNKNOWN', retryable: false });
  });

  it('takes a category of an application as not retryable unless the error says so', () => {
    expect(classify(new BreakwaterError('x', { code: 'GONE', category: 'stock' }))).toMatchObject({
      category: 'stock',
      code: 'GONE',
      retryable: false,
    });
  });
});
