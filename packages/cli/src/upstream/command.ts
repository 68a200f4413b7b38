import { Command, InvalidArgumentError, Option } from 'commander';
import { wholeNumber } from '../command-line/quantities.ts';
import { parseFaults, type FaultRatios } from './faults.ts';
import { parseLatency, type Latency } from './latency.ts';
import type { LedgerSummary } from './ledger.ts';
import { parseOutage, type Outage } from './outages.ts';
import { startUpstream, type Upstream } from './server.ts';
import { parseRate } from './text-spans.ts';

interface UpstreamFlags {
  readonly port: number;
  readonly host: string;
  readonly seed: number;
  readonly latency?: Latency;
  readonly fail?: FaultRatios;
  readonly limit?: { readonly calls: number; readonly periodMs: number };
  readonly limitBurst: number;
  readonly outage: readonly Outage[];
  readonly outageFrom: 'first-call' | 'start';
  readonly auth?: string;
  readonly ledgerCalls: number;
  readonly ledgerKeys: number;
  readonly json: boolean;
}

export function upstreamCommand(): Command {
  return new Command('upstream')
    .description('Start a local API that misbehaves on demand, the same way for the same seed')
    .option('--port <n>', 'port to listen on; 0 takes any free one', wholeNumber(0, 65_535), 0)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--seed <n>', 'decides which calls fail and how long each takes', wholeNumber(0, 4_294_967_295), 1)
    .option(
      '--latency <distribution>',
      '20ms, 5ms..50ms (uniform) or p50=20ms,p99=200ms (log-normal)',
      reading(parseLatency),
    )
    .option(
      '--fail <kind=ratio,…>',
      'shares of 400…599, reset, hang, half, bad-json: 500=0.05,reset=0.01',
      reading(parseFaults),
    )
    .option(
      '--limit <calls/period>',
      'answer calls above it with 429 and Retry-After: 200/s, 600/m',
      reading(parseRate),
    )
    .option('--limit-burst <n>', 'calls above the limit that one period may hold', wholeNumber(0, 1_000_000), 0)
    .option('--outage <from..to[=mode]>', '5s..10s, or 5s..10s=reset, =refuse; may be repeated', collectOutage, [])
    .addOption(
      new Option('--outage-from <when>', 'what the times of outages count from')
        .choices(['first-call', 'start'])
        .default('first-call'),
    )
    .option('--auth <token>', 'answer 401 to calls without Authorization: Bearer <token>')
    .option('--ledger-calls <n>', 'calls that the ledger lists, the latest', wholeNumber(0, 10_000_000), 100_000)
    .option('--ledger-keys <n>', 'keys that the ledger counts, the latest', wholeNumber(1, 10_000_000), 1_000_000)
    .option('--json', 'print JSON lines: {"url":…} at the start, the ledger at the end', false)
    .addHelpText('after', HELP)
    .action(runUpstream);
}

const HELP = `
Every path answers any method with a JSON card made from the request. The server's own paths:
  GET /_ledger                 what it was asked, in sum (?keys=all: calls per key)
  GET /_ledger?format=jsonl    each call on a line
  DELETE /_ledger              start the ledger anew
  GET /_health                 is it there, and is an outage on

Example:
  breakwater upstream --port 8080 --latency p50=20ms,p99=200ms --fail 500=0.05,reset=0.01 --limit 200/s --outage 5s..10s`;

async function runUpstream(flags: UpstreamFlags): Promise<void> {
  const { limit, limitBurst, outage, outageFrom, json, ...rest } = flags;
  const upstream = await startUpstream({
    ...rest,
    limit: limit && { ...limit, burst: limitBurst },
    outages: outage,
    outagesFrom: outageFrom,
  });
  announce(upstream, json);
  await untilAskedToEnd();
  const ledger = upstream.ledger();
  await upstream.close();
  process.stdout.write(json ? `${JSON.stringify({ ledger })}\n` : `\n${lastWords(ledger)}\n`);
}

function announce(upstream: Upstream, json: boolean): void {
  process.stdout.write(
    json
      ? `${JSON.stringify({ url: upstream.url })}\n`
      : `Listening on ${upstream.url}\nLedger: ${upstream.url}/_ledger. Ctrl-C ends it.\n`,
  );
}

function untilAskedToEnd(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      // A second signal finds no listener and so ends the process at once.
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end);
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
  });
}

function lastWords(ledger: LedgerSummary): string {
  const outcomes = Object.entries(ledger.byOutcome).map(([outcome, count]) => `${count} ${outcome}`);
  const peak = `at most ${ledger.peak.calls} calls in ${ledger.peak.periodMs} ms`;
  return ledger.calls === 0 ? 'Nobody called.' : `${ledger.calls} calls: ${outcomes.join(', ')}; ${peak}.`;
}

/** Makes a parser's complaint a usage error, so that the command line shows it beside the option. */
function reading<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new InvalidArgumentError(`${message.charAt(0).toUpperCase()}${message.slice(1)}.`);
    }
  };
}

function collectOutage(text: string, earlier: readonly Outage[]): readonly Outage[] {
  return [...earlier, reading(parseOutage)(text)];
}
