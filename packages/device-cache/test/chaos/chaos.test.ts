/** With a ledger: whatever happens, the store holds exactly the latest, and every bad message is buried once. */
import { describe, expect, it } from 'vitest';
import { redisMissing } from '../../../core/test/cache/redis-server.ts';
import { chaosRun } from './chaos-run.ts';

const isLong = (process.env['BREAKWATER_LONG'] ?? '') !== '';
const runs = isLong ? 10 : 1;
const MOMENTS = isLong ? 20 : 10;

describe.skipIf(redisMissing !== undefined)('under everything that can happen', () => {
  it.each(Array.from({ length: runs }, (_, at) => at + 1))(
    `the store holds the latest of every device and nothing else, at ${MOMENTS} moments of seed %i`,
    { timeout: 600_000 },
    async (seed) => {
      const { ledger, held, buried, ends, committed, actions, said } = await chaosRun(seed, MOMENTS);
      const story = `${actions.join(', ')}\n${said}`;
      expect(ledger.latest.size).toBeGreaterThan(0);
      expect(Object.fromEntries(held), story).toEqual(Object.fromEntries(ledger.latest));
      expect(committed, story).toEqual(ends.map((end) => (end === 0n ? undefined : end)));
      const positions = buried.map(({ headers }) => `${headers['partition']}/${headers['position']}`).toSorted();
      expect(positions, story).toEqual(ledger.poison);
    },
  );
});
