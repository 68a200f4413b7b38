import { parseSpanRange } from './text-spans.ts';

const MODES = ['503', 'reset', 'refuse'] as const;

/** `503`: every call is answered so; `reset`: every call is cut; `refuse`: nobody listens on the port. */
export type OutageMode = (typeof MODES)[number];

/** Times count from the first call (or the start of the server); the end is excluded. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
  readonly mode: OutageMode;
}

/** `5s..10s`, or `5s..10s=refuse`. */
export function parseOutage(text: string): Outage {
  const [range = '', mode = '503', ...rest] = text.split('=');
  if (rest.length > 0 || !isMode(mode)) {
    throw new Error(`expected an outage such as 5s..10s or 5s..10s=refuse (${MODES.join(', ')}), got "${text}"`);
  }
  return { ...parseSpanRange(range), mode };
}

function isMode(text: string): text is OutageMode {
  return (MODES as readonly string[]).includes(text);
}

export function outageAt(outages: readonly Outage[], elapsedMs: number): Outage | undefined {
  return outages.find((outage) => elapsedMs >= outage.fromMs && elapsedMs < outage.toMs);
}
