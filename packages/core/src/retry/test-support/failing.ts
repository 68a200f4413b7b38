import { type Mock, vi } from 'vitest';

/** A function that fails so many times, and then gives an item. */
export function failing(times: number, error: unknown = new Error('down')): Mock<() => Promise<string>> {
  let calls = 0;
  return vi.fn(async () => {
    if (calls++ < times) throw error;
    return 'item';
  });
}
