import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../clock/random.ts';
import { lru } from './lru.ts';
import { s3Fifo } from './s3-fifo.ts';
import { hitPercentage, loop, zipf } from './test-support/traffic.ts';
import { wTinyLfu } from './w-tiny-lfu.ts';

function popular(requests: number): number[] {
  const draw = zipf(100_000, 0.99, seededRandom(3));
  return Array.from({ length: requests }, draw);
}

describe('on items of which few are popular (zipf 0.99, 100,000 items)', () => {
  const requests = popular(500_000);
  const rate = (policy: typeof lru, entries: number): number => hitPercentage(policy, entries, requests, 200_000);

  it('LRU answers what is known of it: 50 % from a hundredth, 73 % from a tenth', () => {
    expect(rate(lru, 1_000)).toBeCloseTo(50, 0);
    expect(rate(lru, 10_000)).toBeCloseTo(73, 0);
  });

  it('S3-FIFO and W-TinyLFU answer at least four points more than LRU', () => {
    const least = rate(lru, 10_000) + 4;
    expect(rate(s3Fifo, 10_000)).toBeGreaterThan(least);
    expect(rate(wTinyLfu, 10_000)).toBeGreaterThan(least);
  });
});

describe('on a loop over twice what fits', () => {
  const requests = loop(1_011, 505_500);

  it('LRU never hits, and W-TinyLFU comes within a point of the optimum of 49.4 %', () => {
    expect(hitPercentage(lru, 500, requests)).toBe(0);
    expect(hitPercentage(wTinyLfu, 500, requests)).toBeGreaterThan(48.3);
  });
});

describe('on a scan over twice what fits', () => {
  it('W-TinyLFU keeps a part of it', () => {
    expect(hitPercentage(wTinyLfu, 1_000, loop(2_001, 50_025))).toBeGreaterThan(40);
  });
});

describe('on a scan through popular items', () => {
  it.each([s3Fifo, wTinyLfu])('$name keeps the popular, which LRU loses', (policy) => {
    const draw = zipf(1_000, 0.99, seededRandom(5));
    // Every request for a popular item is followed by one for an item that never comes again.
    const requests = Array.from({ length: 200_000 }, (_, row) => (row % 2 === 0 ? draw() : 1_000 + row));
    expect(hitPercentage(policy, 500, requests)).toBeGreaterThan(hitPercentage(lru, 500, requests) + 3);
  });
});

describe('on traffic where the latest items are the ones asked for', () => {
  it('W-TinyLFU widens its window and stays within five points of LRU', () => {
    const random = seededRandom(9);
    const requests = Array.from({ length: 400_000 }, (_, row) => Math.floor(row / 4) - Math.floor(random.next() * 400));
    expect(hitPercentage(wTinyLfu, 512, requests, 200_000)).toBeGreaterThan(
      hitPercentage(lru, 512, requests, 200_000) - 5,
    );
  });
});
