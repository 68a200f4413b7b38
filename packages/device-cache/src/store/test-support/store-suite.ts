/** What every store must do: the same tests run against each. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceStore } from '../store.ts';
import { changeSuite } from './change-suite.ts';
import { listSuite } from './list-suite.ts';
import { fenced } from './readings.ts';
import { readingSuite } from './reading-suite.ts';

/** How the suite gets stores of one kind. */
export interface StoreUnderTest {
  readonly name: string;
  /** An empty store whose clock stands at `START_MS` or later. */
  readonly make: (ttlMs?: number) => Promise<DeviceStore>;
  /** Lets time pass. */
  readonly elapse: (ms: number) => Promise<void>;
  /** A TTL that is short for this store, and long enough for a test to look before it ends. */
  readonly shortTtlMs: number;
  readonly propertyRuns: number;
}

export function storeSuite({ name, make, elapse, shortTtlMs, propertyRuns }: StoreUnderTest): void {
  describe(`the store ${name}`, () => {
    let store: DeviceStore;
    beforeEach(async () => {
      store = await make();
    });
    afterEach(() => store.close());

    readingSuite(() => store, make, propertyRuns);
    listSuite(() => store);
    changeSuite(() => store);

    it('forgets devices that are not heard of, in lists as well, and says so', async () => {
      const own = await make(shortTtlMs);
      await own.write([fenced('s1', 0)]);
      expect((await own.get(['s1']))[0]).toBeDefined();
      const { position } = await own.changesSince(undefined, 10);
      await elapse(shortTtlMs * 1.2 + 20);
      expect(await own.get(['s1'])).toEqual([undefined]);
      await own.sweep();
      expect((await own.list({ limit: 10, sort: 'id' })).devices).toEqual([]);
      expect((await own.info()).devices).toBe(0);
      const since = await own.changesSince(position, 10);
      expect('changes' in since && since.changes.map(({ data }) => [data.deviceId, data.cause])).toEqual([
        ['s1', 'expired'],
      ]);
      await own.close();
    });

    it('keeps all readings of a device while any of them comes', async () => {
      const own = await make(shortTtlMs);
      await own.write([fenced('s1', 0), fenced('s1', 0, { index: 'U', metadata: null })]);
      await elapse(shortTtlMs * 0.6);
      await own.write([fenced('s1', 1)]);
      await elapse(shortTtlMs * 0.6);
      expect((await own.get(['s1']))[0]?.readingCount).toBe(2);
      await own.close();
    });

    it('answers that it is there', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });
  });
}
