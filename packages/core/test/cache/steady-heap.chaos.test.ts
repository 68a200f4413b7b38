import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const [major] = process.versions.node.split('.').map(Number) as [number];

// Ten million over a million keys where there is time.
const isLong = (process.env['BREAKWATER_LONG'] ?? '') !== '';
const OPERATIONS = isLong ? 10_000_000 : 1_000_000;

// The program is TypeScript as it is, which older Nodes don't take.
it.skipIf(major < 24)(
  'operations over a tenth as many keys leave the heap where it was after the first tenth of them',
  { timeout: isLong ? 1_800_000 : 300_000 },
  () => {
    const script = new URL('programs/steady-heap.ts', import.meta.url).pathname;
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', script, String(OPERATIONS)], {
      encoding: 'utf8',
    });
    expect(stdout, stderr).not.toBe('');
    const heap = JSON.parse(stdout) as number[];
    expect(heap).toHaveLength(10);
    const [first] = heap as [number];
    for (const later of heap) expect(Math.abs(later - first) / first).toBeLessThan(0.05);
  },
);
