/** What every store remembers of what happened: the log of changes, and how far sources were written. */
import { describe, expect, it } from 'vitest';
import type { DeviceStore, LoggedChange } from '../store.ts';
import { fenced } from './readings.ts';

/** @param store The store of the test that runs. */
export function changeSuite(store: () => DeviceStore): void {
  describe('changes', () => {
    it('logs changes in order, to be read again from any position', async () => {
      const { position } = await store().changesSince(undefined, 10);
      await store().write([fenced('s1', 0)]);
      await store().put([{ id: 's2', metadata: {} }]);
      await store().delete('s1');
      const all = await store().changesSince(position, 10);
      const changes: readonly LoggedChange[] = 'changes' in all ? all.changes : [];
      expect(changes.map(({ data: { deviceId, cause, categories } }) => [deviceId, cause, categories])).toEqual([
        ['s1', 'readings', ['P']],
        ['s2', 'metadata', []],
        ['s1', 'deleted', []],
      ]);
      const rest = await store().changesSince(changes[0]!.position, 10);
      expect('changes' in rest && rest.changes).toEqual(changes.slice(1));
    });

    it('logs no change where nothing changed', async () => {
      await store().write([fenced('s1', 5)]);
      const { position } = await store().changesSince(undefined, 10);
      await store().write([fenced('s1', 4)]);
      await store().delete('unknown');
      expect(await store().changesSince(position, 10)).toEqual({ changes: [], position });
    });

    it('says that it does not know a position of another log', async () => {
      await store().write([fenced('s1', 5)]);
      expect(await store().changesSince('no-such-position', 10)).toMatchObject({ lost: 'unknown-position' });
      expect(await store().changesSince('9999999999999-5', 10)).toMatchObject({ lost: 'unknown-position' });
    });

    it('says that the log does not reach back', async () => {
      await store().write([fenced('s0', 0)]);
      const { position } = await store().changesSince(undefined, 1);
      const entries = Array.from({ length: 1_000 }, (_, at) => ({ id: `d${at}`, metadata: {} }));
      for (let i = 0; i < 12; i++) await store().put(entries);
      expect(await store().changesSince(position, 10)).toMatchObject({ lost: 'log-exceeded' });
    });

    it('tells listeners of each change once, and not after they have left', async () => {
      const seen: string[] = [];
      const stop = await store().listen({
        changed: ({ data }) => seen.push(data.deviceId),
        gap: () => seen.push('gap'),
      });
      await store().write([fenced('s1', 0)]);
      await store().put([{ id: 's2', metadata: {} }]);
      await expect.poll(() => seen).toEqual(['s1', 's2']);
      await stop();
      await store().write([fenced('s3', 0)]);
      expect(seen).toEqual(['s1', 's2']);
    });
  });

  describe('progress', () => {
    it('notes how far a source was written', async () => {
      expect(await store().progress('topic')).toEqual(new Map());
      const first = [
        { partition: 0, from: undefined, to: 5 },
        { partition: 1, from: undefined, to: 7 },
      ];
      expect(await store().advance('topic', first)).toBe(true);
      expect(await store().advance('topic', [{ partition: 1, from: 7, to: 9 }])).toBe(true);
      expect(await store().progress('topic')).toEqual(
        new Map([
          [0, 5],
          [1, 9],
        ]),
      );
      expect(await store().progress('other')).toEqual(new Map());
    });

    it('notes nothing where what was noted before is not there', async () => {
      await store().advance('topic', [{ partition: 0, from: undefined, to: 5 }]);
      const steps = [
        { partition: 1, from: undefined, to: 1 },
        { partition: 0, from: 4, to: 6 },
      ];
      expect(await store().advance('topic', steps)).toBe(false);
      expect(await store().advance('topic', [{ partition: 2, from: 3, to: 4 }])).toBe(false);
      expect(await store().progress('topic')).toEqual(new Map([[0, 5]]));
    });
  });
}
