import { describe, expect, it } from 'vitest';
import { changeOfEntry, type ChangeLogState, EMPTY_CHANGE_LOG, missedChanges } from './redis-change-log.ts';

/** A log that has shed its first five of fifteen entries. */
const log: ChangeLogState = { last: '20-1', first: '10-0', added: 15, length: 10 };

describe('a reader of the log of changes', () => {
  it.each<[string, ChangeLogState, string, number | undefined, string | undefined]>([
    ['has missed nothing at the last entry', log, '20-1', 15, undefined],
    ['has missed nothing at the oldest entry', log, '10-0', 12, undefined],
    ['has missed what was shed', log, '9-9', 12, 'log-exceeded'],
    ['has missed nothing where nothing was shed', { ...log, added: 10 }, '0-0', 0, undefined],
    ['must think of the worst where nobody counts', { ...log, added: undefined }, '0-0', undefined, 'log-exceeded'],
    ['is in another log where it is ahead of it', log, '20-2', undefined, 'unknown-position'],
    ['is in another log that has had fewer entries', log, '20-1', 16, 'unknown-position'],
    ['is nowhere with a position that is none', log, 'yesterday', undefined, 'unknown-position'],
    ['has missed nothing before the first entry of all', EMPTY_CHANGE_LOG, '0-0', 0, undefined],
    ['is in another log where this one is empty', EMPTY_CHANGE_LOG, '1-0', undefined, 'unknown-position'],
    ['compares numbers, not texts', { ...log, last: '100-0' }, '20-1', undefined, undefined],
    [
      'compares what a double can not hold',
      { ...log, last: '20-9007199254740993' },
      '20-9007199254740994',
      undefined,
      'unknown-position',
    ],
  ])('%s', (_, state, position, addedBefore, missed) => {
    expect(missedChanges(state, position, addedBefore)).toBe(missed);
  });
});

describe('an entry', () => {
  it('is a change, with its fields in any order', () => {
    const at = '2026-01-01T00:00:00.000Z';
    const change = { deviceId: 's1', cause: 'readings', categories: ['P', 'M'], at };
    expect(changeOfEntry(['at', at, 'categories', 'P,M', 'device', 's1', 'cause', 'readings'])).toEqual(change);
    expect(changeOfEntry(['device', 's1', 'cause', 'deleted', 'categories', '', 'at', at]).categories).toEqual([]);
  });
});
