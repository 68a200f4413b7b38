import { describe, expect, it } from 'vitest';
import { redactor } from './index.ts';

const clean = redactor();

describe('a redactor', () => {
  it('takes out what stands under a name that speaks of a secret, however deep', () => {
    expect(
      clean.value({
        user: 'ann',
        Password: 'hunter2',
        db: { apiKey: 12_345, 'x-auth-token': ['abc'] },
        pin: 1234,
        pinned: 1,
      }),
    ).toEqual({
      user: 'ann',
      Password: '[redacted]',
      db: { apiKey: '[redacted]', 'x-auth-token': '[redacted]' },
      pin: '[redacted]',
      pinned: 1,
    });
  });

  it('takes secrets out of headers in every form that headers come in', () => {
    const headers = { Authorization: 'Bearer abcdef', accept: 'text/html' };
    const expected = { authorization: '[redacted]', accept: 'text/html' };
    expect(clean.value(new Headers(headers))).toEqual(expected);
    expect(clean.value(new Map(Object.entries({ authorization: 'x', accept: 'text/html' })))).toEqual(expected);
    expect(
      clean.value([
        ['Set-Cookie', 'sid=abcdef'],
        ['accept', 'text/html'],
      ]),
    ).toEqual([
      ['Set-Cookie', '[redacted]'],
      ['accept', 'text/html'],
    ]);
    expect(clean.value(['authorization', 'Basic abcdef', 'accept', 'text/html'])).toEqual([
      'authorization',
      '[redacted]',
      'accept',
      'text/html',
    ]);
  });

  it('keeps the last of two keys that read alike, and takes a name like __proto__ for data', () => {
    const keys = new Map<unknown, unknown>([
      [1, 'first'],
      ['1', 'last'],
      ['__proto__', { admin: true }],
    ]);
    const plain = clean.value(keys) as Record<string, unknown>;
    expect(JSON.stringify(plain)).toBe('{"1":"last","__proto__":{"admin":true}}');
    expect(plain['admin']).toBeUndefined();
  });

  it('takes what it found under such a name out of everything else', () => {
    expect(
      clean.value({
        message: 'login as ann with hunter2 failed',
        headers: { cookie: 'sid=s3cr3t-1; theme=dark' },
        hunter2: 1,
        password: 'hunter2',
        also: 'sid=s3cr3t-1',
      }),
    ).toEqual({
      message: 'login as ann with [redacted] failed',
      headers: { cookie: '[redacted]' },
      '[redacted]': 1,
      password: '[redacted]',
      also: '[redacted]',
    });
    // A word as short as this would strike out half of every text.
    expect(clean.value({ pin: 'a', text: 'a banana' })).toEqual({ pin: '[redacted]', text: 'a banana' });
    expect(clean.value({ session: { id: 'abcdef' }, text: 'of abcdef' })).toEqual({
      session: '[redacted]',
      text: 'of [redacted]',
    });
  });

  it('takes out query strings and passwords of URLs', () => {
    expect(clean.text('GET https://api.test/v1/users?token=abc&q=1 failed')).toBe(
      'GET https://api.test/v1/users?[redacted] failed',
    );
    expect(clean.text('GET /search?q=name failed')).toBe('GET /search?[redacted] failed');
    expect(clean.text('at postgres://ann:hunter2@db/shop')).toBe('at postgres://[redacted]@db/shop');
    expect(clean.value({ url: new URL('https://ann:pw@api.test/x?y=z') })).toEqual({
      url: 'https://[redacted]@api.test/x?[redacted]',
    });
    expect(clean.text('Is it there? Yes.')).toBe('Is it there? Yes.');
  });

  it('takes out what is said to be secret besides, and keeps what is said to be none', () => {
    const own = redactor({
      keys: ['plate', /^internal/g],
      patterns: [/KT-\d+/],
      values: ['the-key', ''],
      keep: ['tokenCount'],
    });
    expect(
      own.value({ plate: 'B-XY 1', plates: 2, internalNote: 'x', tokenCount: 7, text: 'KT-1 and KT-22 by the-key' }),
    ).toEqual({
      plate: '[redacted]',
      plates: 2,
      internalNote: '[redacted]',
      tokenCount: 7,
      text: '[redacted] and [redacted] by [redacted]',
    });
    expect(redactor({ patterns: [/KT-\d+/g] }).text('KT-1 and KT-22')).toBe('[redacted] and [redacted]');
    // A pattern with a memory finds the same twice.
    expect(own.value({ internalA: 1, internalB: 2 })).toEqual({ internalA: '[redacted]', internalB: '[redacted]' });
  });

  it('leaves out what is called a stack, also in what is no error', () => {
    expect(clean.value({ stack: 'at login (/srv/app.js:1:1)', message: 'no' })).toEqual({ message: 'no' });
  });

  it('makes plain data of anything, without stacks, and never throws', () => {
    const circle: Record<string, unknown> = {
      when: new Date(0),
      never: new Date(Number.NaN),
      big: 10n,
      bytes: new Uint8Array(3),
      buffer: new ArrayBuffer(2),
      fn: () => 1,
      sym: Symbol('x'),
      pattern: /a/,
      set: new Set([1]),
      nothing: null,
    };
    circle['self'] = circle;
    Object.defineProperty(circle, 'trap', {
      enumerable: true,
      value: Object.defineProperty({}, 'x', {
        enumerable: true,
        get: () => {
          throw new Error('no');
        },
      }),
    });
    const error = Object.assign(new Error('outer', { cause: new TypeError('inner') }), { code: 'X' });
    expect(clean.value({ ...circle, self: circle, error })).toEqual({
      when: '1970-01-01T00:00:00.000Z',
      never: null,
      big: '10',
      bytes: '[3 bytes]',
      buffer: '[2 bytes]',
      fn: '[function]',
      sym: '[symbol]',
      pattern: '/a/',
      set: [1],
      nothing: null,
      self: expect.objectContaining({ self: '[circular]' }),
      trap: '[unreadable]',
      error: { name: 'Error', message: 'outer', code: 'X', cause: { name: 'TypeError', message: 'inner' } },
    });
    let deep: object = {};
    for (let level = 0; level < 20; level++) deep = { deep };
    expect(JSON.stringify(clean.value(deep))).toContain('"[deep]"');
    expect(Object.keys(clean.value(JSON.parse('{"__proto__":{"a":1}}')) as object)).toEqual(['__proto__']);
    expect((clean.value(Array.from({ length: 500 }, () => 1)) as unknown[]).length).toBe(100);
    expect(clean.text('x'.repeat(50_000)).length).toBe(10_001);
  });
});
