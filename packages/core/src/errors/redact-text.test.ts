import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { redactText } from './redact-text.ts';

describe('redactText', () => {
  it.each([
    ['{"user":"ann","password":"hunter2"}', '{"user":"ann","password":"[redacted]"}'],
    ['{"client_secret": "a\\"b", "n": 1}', '{"client_secret": "[redacted]", "n": 1}'],
    ['{"pin":1234,"ok":true}', '{"pin":"[redacted]","ok":true}'],
    ['{"tokens":["a","b"],"x":1}', '{"tokens":"[redacted]","x":1}'],
    ['grant=code&refresh_token=abc.def&x=1', 'grant=code&refresh_token=[redacted]&x=1'],
    ['<user><apiKey>abc</apiKey></user>', '<user><apiKey>[redacted]</apiKey></user>'],
    ['Set-Cookie: sid=1; Path=/\nX: 1', 'Set-Cookie: [redacted]\nX: 1'],
    ['sent with Bearer abcdefgh', 'sent with Bearer [redacted]'],
    ['see eyJhbGciOi.eyJzdWIi.c2ln here', 'see [redacted] here'],
    ['at https://ann:hunter2@host/x', 'at https://ann:[redacted]@host/x'],
    ['card 4111 1111 1111 1111 was declined', 'card [redacted] was declined'],
    ['card 5500 0055 5555 5559 was declined', 'card [redacted] was declined'],
    ['order 4111 1111 1111 1112 was not found', 'order 4111 1111 1111 1112 was not found'],
    ['-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----', '[redacted]'],
    ['nothing to see: 42 items, id 7', 'nothing to see: 42 items, id 7'],
  ])('makes %j into %j', (text, redacted) => {
    expect(redactText(text)).toBe(redacted);
  });

  it('shows nothing of a secret wherever the text was cut', () => {
    const name = fc.constantFrom('password', 'accessToken', 'api_key', 'X-Secret', 'authorization');
    const secret = fc.stringMatching(/^[a-zA-Z0-9+/]{12,40}$/);
    fc.assert(
      fc.property(name, secret, fc.nat(200), (key, value, cut) => {
        const text = JSON.stringify({ first: 'field', [key]: `~${value}`, last: 'field' }).slice(0, cut);
        expect(redactText(text)).not.toContain('~');
      }),
      propertyRuns(500),
    );
  });

  it('takes time in proportion to the text, also for one that is made to be slow', () => {
    const hostile = [
      `"${'a.'.repeat(2_000)}`,
      'pass'.repeat(1_000),
      '"token":"'.repeat(400),
      `eyJ${'a'.repeat(4_000)}`,
    ];
    for (const text of hostile) expect(redactText(text).length).toBeLessThanOrEqual(text.length * 3);
  });
});
