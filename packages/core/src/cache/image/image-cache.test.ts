import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { rejection } from '../../testing/test-support/watched.ts';
import { imageCache, imageKey } from './image-cache.ts';

const png = 'data:image/png;base64,iVBORw0KGgo=';

function images(options = {}) {
  const clock = new VirtualClock();
  const convert = vi.fn(async (bytes: Uint8Array) => ({ bytes: bytes.subarray(0, 4), width: 2, height: 3 }));
  return { clock, convert, cache: imageCache({ convert, clock, ...options }) };
}

describe('an image cache', () => {
  it('converts an image once a format, and gives it as base64 with its numbers', async () => {
    const { convert, cache } = images();
    const [webp] = await Promise.all([cache.convert(png, 'webp'), cache.convert(png, 'webp')]);
    expect(webp).toEqual({
      data: 'iVBORw==',
      metadata: { originalBytes: 8, compressedBytes: 4, width: 2, height: 3, format: 'webp', ratio: 0.5 },
    });
    await cache.convert(png, 'avif');
    await cache.convert(png, 'webp');
    expect(convert.mock.calls.map(([, format]: unknown[]) => format)).toEqual(['webp', 'avif']);
    expect(cache.statistics).toMatchObject({ loads: 2, entries: 2, originalBytes: 16, compressedBytes: 8 });
    expect(await cache.delete(png, 'webp')).toBe(true);
    await cache.clear();
    expect(cache.statistics.entries).toBe(0);
  });

  it('knows an image by the SHA-256 of its URL and the format', () => {
    expect(imageKey(png, 'webp')).toBe('5f7ae95ce3cb81b201a78ed2723d93b245d1b2354b0631b7d3519f170f23cf6f');
  });

  it('keeps a hundred images for an hour', async () => {
    const { clock, convert, cache } = images();
    for (let n = 0; n < 150; n++) await cache.convert(`data:image/png;base64,${btoa(`image ${n}`)}`, 'webp');
    expect(cache.statistics.entries).toBe(100);
    await clock.advance(3_600_000 * 1.1 + 1_100);
    expect([cache.statistics.entries, convert.mock.calls.length]).toEqual([0, 150]);
  });

  it.each([
    ['IMAGE_NOT_DATA_URL', 'https://example.com/a.png'],
    ['IMAGE_NOT_DATA_URL', 'data:text/plain;base64,AAAA'],
    ['IMAGE_NOT_DATA_URL', 'data:image/png;base64'],
    ['IMAGE_NOT_DATA_URL', 7 as never],
    ['IMAGE_NOT_BASE64', 'data:image/svg+xml;charset=utf-8,%3Csvg/%3E'],
    ['IMAGE_BAD_BASE64', 'data:image/png;base64,iVBORw0KGgo'],
    ['IMAGE_BAD_BASE64', 'data:image/png;base64,iVBO Rw0KGgo='],
    ['IMAGE_BAD_BASE64', 'data:image/png;base64,iVBORw0K=go='],
    ['IMAGE_BAD_BASE64', 'data:image/png;base64,'],
    ['IMAGE_TOO_LARGE', `data:image/png;base64,${'A'.repeat(1_340)}`],
  ])('says %s of what can not be one (case %#)', async (code, url) => {
    const { convert, cache } = images({ maxImageBytes: 1_000 });
    expect(await rejection(cache.convert(url, 'webp'))).toMatchObject({ code, category: 'validation' });
    expect(convert).not.toHaveBeenCalled();
  });

  it('takes an image of the largest size to the byte', async () => {
    const { cache } = images({ maxImageBytes: 8 });
    await expect(cache.convert(png, 'webp')).resolves.toBeDefined();
    const smaller = images({ maxImageBytes: 7 });
    expect(await rejection(smaller.cache.convert(png, 'webp'))).toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it('keeps no failure of its converter, refuses strange formats, and needs a converter', async () => {
    const convert = vi.fn(async () => Promise.reject(new Error('broken image')));
    const cache = imageCache({ convert });
    await rejection(cache.convert(png, 'webp'));
    expect(await rejection(cache.convert(png, 'webp'))).toMatchObject({ message: 'broken image' });
    expect(convert).toHaveBeenCalledTimes(2);
    expect(await rejection(cache.convert(png, '../webp'))).toBeInstanceOf(RangeError);
    expect(() => imageCache({} as never)).toThrow(/convert/);
    await cache.close();
  });
});
