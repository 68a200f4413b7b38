import { Command } from 'commander';
import { wholeNumber } from '../command-line/quantities.ts';
import { type ConnectionFlags, connectionOptions, withClient } from './connection.ts';
import { print, printJson } from './printing.ts';
import { eventView } from './views.ts';

interface WatchFlags extends ConnectionFlags {
  readonly pattern?: string;
  readonly since?: string;
  readonly limit: number;
}

export function watchCommand(): Command {
  const command = new Command('watch')
    .description('Show changes as they happen, until Ctrl-C; a connection that breaks is resumed')
    .argument('[ids...]', 'only of these devices')
    .option('--pattern <pattern>', 'only of ids in which * stands for any text and ? for one character: station_*')
    .option('--since <position>', 'begin after this event of an earlier watch')
    .option('-n, --limit <events>', 'end after so many changes', wholeNumber(1, Infinity), Infinity)
    .option('--json', 'one event on a line, as JSON, with its position', false);
  return connectionOptions(command).action(watch);
}

async function watch(ids: readonly string[], flags: WatchFlags): Promise<void> {
  const { pattern, since, limit, json } = flags;
  const ending = new AbortController();
  const end = (): void => ending.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  try {
    await withClient(flags, async (client) => {
      const query = { device: ids.length === 0 ? undefined : ids, pattern, since };
      let changes = 0;
      for await (const event of client.watch(query, { signal: ending.signal })) {
        if (json) printJson(event);
        else print(eventView(event));
        if (event.type === 'change' && ++changes >= limit) break;
      }
    });
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end);
  }
}
