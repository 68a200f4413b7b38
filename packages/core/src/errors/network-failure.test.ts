import { describe, expect, it } from 'vitest';
import { classifyFailure, neverArrived } from './network-failure.ts';

const fetchFailed = (cause: object) => new TypeError('fetch failed', { cause });
const coded = (code: string) => Object.assign(new Error(code), { code });

describe('what fetch rejects with', () => {
  it.each([
    ['ECONNREFUSED', 'REFUSED'],
    ['ECONNRESET', 'RESET'],
    ['UND_ERR_SOCKET', 'RESET'],
    ['EPIPE', 'RESET'],
    ['ENOTFOUND', 'DNS'],
    ['EAI_AGAIN', 'DNS'],
    ['ETIMEDOUT', 'TIMEOUT'],
    ['UND_ERR_CONNECT_TIMEOUT', 'TIMEOUT'],
    ['UND_ERR_HEADERS_TIMEOUT', 'TIMEOUT'],
    ['EHOSTUNREACH', 'UNREACHABLE'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS'],
    ['CERT_HAS_EXPIRED', 'TLS'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS'],
    ['HPE_INVALID_CONSTANT', 'PROTOCOL'],
    ['EWHATEVER', 'FAILED'],
  ])('with the code %s is %s', (code, trouble) => {
    expect(classifyFailure(fetchFailed(coded(code)))).toEqual({ trouble, systemCode: code });
  });

  it('is read through the causes and the tries of several addresses', () => {
    const error = fetchFailed(new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]));
    expect(classifyFailure(error)).toEqual({ trouble: 'REFUSED', systemCode: 'ECONNREFUSED' });
  });

  it.each([
    'Failed to fetch',
    'NetworkError when attempting to fetch resource.',
    'Load failed',
    'error sending request for url',
  ])('without a code is told by its message: %s', (message) => {
    expect(classifyFailure(new TypeError(message))).toEqual({ trouble: 'FAILED', systemCode: undefined });
  });

  it('in the middle of a body is a broken connection', () => {
    expect(classifyFailure(new TypeError('terminated'))).toEqual({ trouble: 'RESET', systemCode: undefined });
  });

  it('for a request that can not be sent is no trouble of the network', () => {
    expect(classifyFailure(fetchFailed(coded('ERR_INVALID_URL')))).toBeUndefined();
    expect(classifyFailure(fetchFailed(coded('UND_ERR_REQ_CONTENT_LENGTH_MISMATCH')))).toBeUndefined();
    expect(classifyFailure(new TypeError('Invalid header name'))).toBeUndefined();
    expect(classifyFailure('text')).toBeUndefined();
  });

  it.each([
    ...[
      'unexpected redirect',
      'redirect count exceeded',
      'bad port',
      'unknown scheme',
      'about scheme is not supported',
    ],
    ...['URL scheme must be a HTTP(S) scheme', 'cross origin not allowed for request mode "cors"', 'invalid method'],
    ...['failed to fetch the data URL', 'not implemented... yet...', ''],
  ])('because it will not is no trouble of the network: "%s"', (message) => {
    expect(classifyFailure(fetchFailed(new Error(message)))).toBeUndefined();
  });

  it('tells whether the request can have reached the server', () => {
    expect(neverArrived({ trouble: 'REFUSED', systemCode: 'ECONNREFUSED' })).toBe(true);
    expect(neverArrived({ trouble: 'TIMEOUT', systemCode: 'UND_ERR_CONNECT_TIMEOUT' })).toBe(true);
    expect(neverArrived({ trouble: 'TIMEOUT', systemCode: 'UND_ERR_HEADERS_TIMEOUT' })).toBe(false);
    expect(neverArrived({ trouble: 'RESET', systemCode: 'ECONNRESET' })).toBe(false);
  });
});
