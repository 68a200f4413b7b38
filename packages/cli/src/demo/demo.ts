import type { Clock } from 'breakwater/clock';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Paint } from '../progress/paint.ts';
import { ProgressTally } from '../progress/progress-state.ts';
import { inThousands, spoken } from '../progress/quantities.ts';
import { startUpstream } from '../upstream/server.ts';
import { runThroughBreakwater } from './breakwater-run.ts';
import type { Comparison, RunResult } from './comparison.ts';
import { breakwaterArguments, type DemoPlan } from './demo-plan.ts';
import { runWithPlainFetch } from './plain-fetch-run.ts';
import type { Lane, SideBySide } from './side-by-side.ts';

export interface DemoStage {
  readonly plan: DemoPlan;
  /** Created, and emptied of an earlier demo's files. */
  readonly folder: string;
  readonly clock: Clock;
  readonly paint: Paint;
  readonly show: (lanes: readonly Lane[]) => SideBySide;
}

/** What the demo leaves in its folder. */
const FILES = {
  plainFetch: { results: 'plain-fetch.jsonl', ledger: 'plain-fetch.ledger.json' },
  breakwater: { results: 'breakwater.jsonl', ledger: 'breakwater.ledger.json' },
} as const;

/** Runs the same rows through the same faults twice: plainly, then through the pipeline. */
export async function runDemo(stage: DemoStage): Promise<Comparison> {
  mkdirSync(stage.folder, { recursive: true });
  const lanes = [lane('plain fetch', stage.plan), lane('Breakwater', stage.plan)] as const;
  const shown = stage.show(lanes);
  try {
    const plainFetch = await onItsOwnUpstream(stage, lanes[0], shown, FILES.plainFetch, (url, path) =>
      runWithPlainFetch(stage.plan, url, path, { ...stage, tally: lanes[0].tally, changed: () => shown.changed() }),
    );
    const breakwater = await onItsOwnUpstream(stage, lanes[1], shown, FILES.breakwater, (url, path) =>
      runThroughBreakwater(breakwaterArguments(stage.plan, url, path), stage.clock, lanes[1].tally, () =>
        shown.changed(),
      ),
    );
    return { plainFetch, breakwater };
  } finally {
    shown.close();
  }
}

/** Each run gets a fresh upstream with the same seed, whose outage counts from that run's first call. */
async function onItsOwnUpstream(
  { plan, folder, clock, paint }: DemoStage,
  current: Lane,
  shown: SideBySide,
  files: { readonly results: string; readonly ledger: string },
  run: (url: string, path: string) => Promise<number>,
): Promise<RunResult> {
  const outputPath = join(folder, files.results);
  rmSync(outputPath, { force: true });
  const upstream = await startUpstream({ ...plan.upstream, clock });
  try {
    const startedAt = clock.now();
    current.begun = true;
    shown.changed();
    const answered = await run(upstream.url, outputPath);
    const elapsedMs = Math.round(clock.now() - startedAt);
    const ledger = upstream.ledger();
    writeFileSync(join(folder, files.ledger), `${JSON.stringify(ledger, null, 2)}\n`);
    const told = `${inThousands(answered)} of ${inThousands(plan.rows)} rows answered in ${spoken(elapsedMs)}`;
    current.result = paint(answered === plan.rows ? 'good' : 'bad', told);
    shown.changed();
    return { rows: plan.rows, answered, calls: ledger.calls, tooManyRequests: ledger.limited, elapsedMs, outputPath };
  } finally {
    await upstream.close();
  }
}

function lane(name: string, plan: DemoPlan): Lane {
  const tally = new ProgressTally();
  tally.totalKnown(plan.rows);
  return { name, tally, begun: false };
}
