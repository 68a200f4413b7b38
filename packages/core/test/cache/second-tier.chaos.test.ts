/** What a cache promises while its second tier goes wrong; prints the table of docs/cache/failure-modes.md. */
import { afterAll, describe, expect, it } from 'vitest';
import { chaosRows } from './chaos-rows.ts';
import { HARD_TIMEOUT_MS } from './chaos-instance.ts';
import { type ChaosResult, runChaos } from './chaos-run.ts';
import { redisMissing } from './redis-server.ts';

if (redisMissing !== undefined) console.log(`not run: chaos on Redis: ${redisMissing}`);

const results: [string, ChaosResult][] = [];

function table(): string {
  const rows = results.map(([name, { calls, slowestMs, failed, staleReads, unhandled, convergedMs }]) => {
    const numbers = [calls, Math.round(slowestMs), failed, staleReads, unhandled, Math.round(convergedMs)];
    return `| ${name} | ${numbers.join(' | ')} |`;
  });
  const head =
    '| what happens | calls | slowest (ms) | failed | stale reads | unhandled rejections | converged after (ms) |';
  return [head, '| --- | --- | --- | --- | --- | --- | --- |', ...rows].join('\n');
}

afterAll(() => {
  if (results.length > 0) console.log(`\n${table()}\n`);
});

const [major] = process.versions.node.split('.').map(Number) as [number];
// Programs are TypeScript as it is, which older Nodes don't take.
const rows = chaosRows.filter(({ ownProcesses }) => ownProcesses !== true || major >= 24);

describe.skipIf(redisMissing !== undefined)('two caches on one Redis', () => {
  it.each(rows)(
    'end every call in time, read nothing stale and agree again: $name',
    { timeout: 30_000 },
    async (row) => {
      const result = await runChaos(row);
      results.push([row.name, result]);
      expect(result.calls).toBeGreaterThan(100);
      // The machine's own hiccups come on top of the timeout.
      expect(result.slowestMs).toBeLessThan(HARD_TIMEOUT_MS + 100);
      expect(result).toMatchObject({ failed: 0, staleReads: 0, unhandled: 0 });
      expect(result.convergedMs).toBeLessThan(1_000);
    },
  );
});
