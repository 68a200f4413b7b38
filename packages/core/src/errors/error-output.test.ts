import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import {
  BreakwaterError,
  ConfigurationError,
  errorCatalog,
  errorHeaders,
  errorJson,
  errorLogEntry,
  problemDetails,
  redactor,
} from './index.ts';

const clock = new VirtualClock();
const busy = () =>
  new BreakwaterError('too much', {
    code: 'BUSY',
    category: 'rate_limit',
    policy: 'stock',
    retryAfterMs: 1_200,
    details: { limit: 5 },
  });

describe('an error in a response', () => {
  it('is, as JSON, its category, code, message, details and time, and after how many seconds to come back', () => {
    expect(errorJson(busy(), { clock })).toEqual({
      error: {
        category: 'rate_limit',
        code: 'BUSY',
        message: 'too much',
        details: { policy: 'stock', limit: 5 },
        timestamp: '2026-01-01T00:00:00.000Z',
      },
      retry_after: 2,
    });
  });

  it('is, as problem details, what RFC 9457 asks for and the same besides', () => {
    expect(problemDetails(busy(), { clock, instance: '/orders/7?voucher=abc' })).toEqual({
      type: 'about:blank',
      title: 'Too many requests',
      status: 429,
      detail: 'too much',
      instance: '/orders/7?[redacted]',
      category: 'rate_limit',
      code: 'BUSY',
      details: { policy: 'stock', limit: 5 },
      timestamp: '2026-01-01T00:00:00.000Z',
      retry_after: 2,
    });
    expect(errorHeaders(busy())).toEqual({ 'content-type': 'application/problem+json', 'retry-after': '2' });
    expect(errorHeaders(new Error('x'), 'application/json')).toEqual({ 'content-type': 'application/json' });
    const catalog = errorCatalog({
      classify: () => ({ category: 'rate_limit', code: 'QUOTA', retryable: true, retryAfterMs: 2_500 }),
    });
    expect(errorHeaders(new Error('x'), 'application/json', { catalog })).toEqual({
      'content-type': 'application/json',
      'retry-after': '3',
    });
  });

  it('makes of a refusal by a limiter a 429, not a 500', () => {
    expect(problemDetails(busy()).status).toBe(429);
    expect(problemDetails(Object.assign(new Error('x'), { status: 429 })).status).toBe(429);
  });

  it("does not show the message of an error that is not the library's, unless asked to", () => {
    const error = new Error('relation "users" does not exist');
    expect(errorJson(error, { clock }).error).toMatchObject({
      category: 'internal',
      code: 'UNKNOWN',
      message: 'Internal error',
      details: {},
    });
    expect(errorJson(error, { foreignMessages: true }).error.message).toBe('relation "users" does not exist');
    expect(errorJson('plain', { foreignMessages: true }).error.message).toBe('plain');
    expect(errorJson(7, { foreignMessages: true }).error.message).toBe('what was thrown is no Error');
  });
});

describe('an error in a log', () => {
  it('has its message, its causes and the context, and no stack', () => {
    const cause = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', cause: 'the deepest' });
    const error = new BreakwaterError('no stock', {
      code: 'STOCK',
      category: 'external_service',
      cause,
      details: { sku: 1 },
    });
    const entry = errorLogEntry(error, { request: 'r1' });
    expect(entry).toEqual({
      name: 'BreakwaterError',
      category: 'external_service',
      code: 'STOCK',
      message: 'no stock',
      retryable: true,
      details: { sku: 1 },
      context: { request: 'r1' },
      causes: [
        { name: 'Error', message: 'socket hang up', code: 'ECONNRESET' },
        { name: 'string', message: 'the deepest' },
      ],
    });
    expect(errorLogEntry(new TypeError('bug'))).toMatchObject({
      name: 'TypeError',
      code: 'INTERNAL',
      details: {},
      causes: [],
    });
  });
});

describe('no output of an error', () => {
  const secrets = fc.stringMatching(/^[a-zA-Z0-9]{12,24}$/).filter((text) => !/^\d+$/.test(text));
  /** Every form in which an error leaves. */
  const forms = (error: BreakwaterError, context: unknown): string[] => [
    JSON.stringify(error),
    JSON.stringify(errorJson(error)),
    JSON.stringify(errorJson(new Error(error.message, { cause: error }), { foreignMessages: true })),
    JSON.stringify(problemDetails(error, { instance: String((context as { readonly url: unknown }).url) })),
    JSON.stringify(errorLogEntry(error, context)),
    JSON.stringify(errorLogEntry(new Error('outer', { cause: error }), context)),
    JSON.stringify(redactor().value({ error, context })),
    JSON.stringify(errorHeaders(error)),
    redactor().text(error.message),
  ];

  it('shows a secret of headers, URLs, the error or its context, wherever it was put', () =>
    fc.assert(
      fc.property(secrets, (secret) => {
        const url = `https://ann:${secret}@api.test/v1/orders?key=${secret}&page=2`;
        const headers = { authorization: `Bearer ${secret}`, cookie: `sid=${secret}`, 'x-api-key': secret };
        const cause = Object.assign(new Error(`GET ${url} with Authorization: Bearer ${secret}`), {
          code: 'ECONNRESET',
          config: { headers },
        });
        const details = {
          url,
          headers,
          pairs: Object.entries(headers),
          flat: Object.entries(headers).flat(),
          nested: { password: secret },
          list: [{ refreshToken: secret }],
        };
        const error = new BreakwaterError(`calling ${url} failed: token=${secret}`, {
          code: 'DOWN',
          category: 'network',
          details,
          cause,
        });
        const context = {
          url,
          headers: new Headers(headers),
          body: `{"client_secret":"${secret}"}`,
          form: `grant=x&password=${secret}`,
        };
        for (const form of forms(error, context)) expect(form).not.toContain(secret);
      }),
      propertyRuns(200),
    ));

  it('shows a stack, or what came for a password at the wrong place', () => {
    const error = busy();
    for (const form of forms(error, { url: '/' })) expect(form).not.toMatch(/\\n\s+at |"stack"/);
    const fault = new ConfigurationError([{ path: 'redis.password', expected: 'a function', received: "'hunter2'" }]);
    expect(fault.message).toBe('redis.password: expected a function, received [redacted]');
    for (const form of forms(fault, { url: '/' })) expect(form).not.toContain('hunter2');
  });
});
