import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { codingFor, packed, PackedForms } from './content-coding.ts';

describe('the coding of an answer', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['compress, zstd', undefined],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['deflate', 'deflate'],
    ['gzip, deflate', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['GZIP', 'gzip'],
    ['*', 'br'],
    ['br;q=0, *', 'gzip'],
    ['br;q=0.2, gzip;q=0.8', 'gzip'],
    ['br;q=0,gzip;q=0,deflate;q=0', undefined],
    ['*;q=0', undefined],
    ['gzip;q=0.5, identity', undefined],
    ['gzip;q=0.5, identity;q=0.5', 'gzip'],
    ['gzip ; q=1.0', 'gzip'],
    ['gzip;q=much', undefined],
    [',,;q=1,', undefined],
  ])('for who accepts %j is %s', (accepted, coding) => {
    expect(codingFor(accepted)).toBe(coding);
  });

  it.each([
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
  ] as const)('%s gives the body back, and is smaller', async (coding, unpack) => {
    const body = JSON.stringify({ text: 'żółć '.repeat(500) });
    const bytes = await packed(body, coding);
    expect(unpack(bytes).toString()).toBe(body);
    expect(bytes.length).toBeLessThan(body.length / 2);
  });
});

describe('the packed forms of a body', () => {
  it('are made once each, for all who want one at the same time as well', async () => {
    const forms = new PackedForms('x'.repeat(5_000));
    const [one, other] = await Promise.all([forms.get('gzip'), forms.get('gzip')]);
    expect(other).toBe(one);
    expect(await forms.get('gzip')).toBe(one);
    expect(await forms.get('br')).not.toBe(one);
  });
});
