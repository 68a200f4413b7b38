import { fileURLToPath } from 'node:url';
import { inThousands, spoken } from '../progress/quantities.ts';
import type { UpstreamOptions } from '../upstream/options.ts';

/** The same distance from `src` as from `dist`. */
export const SAMPLE_PATH: string = fileURLToPath(new URL('../../samples/words.csv', import.meta.url));

/** What both runs go through, and how each of them is driven. */
export interface DemoPlan {
  readonly rows: number;
  readonly concurrency: number;
  readonly upstream: UpstreamOptions;
  /** Where the outage lies, for the description. */
  readonly outageMs: number;
}

const CALLS_PER_SECOND = 200;

export function demoPlan(seed: number, quick: boolean): DemoPlan {
  const [rows, fromMs, outageMs] = quick ? [200, 400, 1_000] : [1_000, 1_500, 5_000];
  return {
    rows,
    concurrency: 50,
    outageMs,
    upstream: {
      seed,
      latency: { shape: 'log-normal', medianMs: 50, p99Ms: 200 },
      // One call in ten.
      fail: { 500: 0.04, 503: 0.03, reset: 0.01, 'bad-json': 0.01, half: 0.008, hang: 0.002 },
      limit: { calls: CALLS_PER_SECOND, periodMs: 1_000 },
      outages: [{ fromMs, toMs: fromMs + outageMs, mode: '503' }],
      // The request decides, not the key that only one of the runs sends: so the same row meets the same faults in both.
      keyBy: 'request',
    },
  };
}

/**
 * What the command line is told. A limiter of 180 a second that lets 10 start at once sends at most 190 in any second: calls that bunch up on
 * their way still arrive within the 200 that the upstream allows.
 */
export function breakwaterArguments(plan: DemoPlan, url: string, outPath: string): string[] {
  return [
    ...[SAMPLE_PATH, '--url', `${url}/cards`, '--out', outPath, '--fresh', '--limit', String(plan.rows)],
    ...['--concurrency', String(plan.concurrency), '--rate', '180/s', '--burst', '10'],
    ...['--timeout', '2s', '--max-attempts', '10', '--breaker-break', '1s'],
  ];
}

export function describePlan(plan: DemoPlan): string {
  return [
    `${inThousands(plan.rows)} Korean words through an API that allows ${CALLS_PER_SECOND} calls per second,`,
    `fails one call in ten and is down for ${spoken(plan.outageMs)}: first with plain fetch,`,
    `${plan.concurrency} at a time, then with Breakwater. Both meet the same faults.`,
  ].join('\n');
}
