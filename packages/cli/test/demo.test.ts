import { systemClock } from 'breakwater/clock';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { demoPlan } from '../src/demo/demo-plan.ts';
import { runDemo } from '../src/demo/demo.ts';
import { uncoloured } from '../src/progress/paint.ts';

/** Through real sockets and in real time, because that is what a demo is; the quick one takes about five seconds. */
it('answers every row through Breakwater where plain fetch loses some, and leaves both results behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'breakwater-demo-'));
  try {
    const { plainFetch, breakwater } = await runDemo({
      plan: demoPlan(2, true),
      folder,
      clock: systemClock,
      paint: uncoloured,
      show: () => ({ changed: () => undefined, close: () => undefined }),
    });
    expect(breakwater).toMatchObject({ rows: 200, answered: 200 });
    expect(plainFetch.answered).toBeLessThan(200);
    expect(plainFetch.calls).toBe(200);
    const positions = readFileSync(breakwater.outputPath, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { position: number }).position);
    expect(positions).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    const ledger = JSON.parse(readFileSync(join(folder, 'breakwater.ledger.json'), 'utf8')) as { keys: object };
    expect(ledger.keys).toMatchObject({ distinct: 200, answered: 200, answeredTwice: 0 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
