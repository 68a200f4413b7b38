import { Command } from 'commander';
import { putCommand } from './put-command.ts';
import { getCommand, healthCommand, infoCommand, listCommand } from './read-commands.ts';
import { watchCommand } from './watch-command.ts';

export function devicesCommand(): Command {
  const command = new Command('devices').description(
    'Look at the devices of a device cache, and change them: over HTTP, or in its Redis',
  );
  for (const child of [listCommand(), getCommand(), putCommand(), watchCommand(), infoCommand(), healthCommand()]) {
    command.addCommand(child);
  }
  return command.addHelpText('after', HELP);
}

const HELP = `
Environment:
  DEVICE_CACHE_URL     where the devices are, in place of --url
  DEVICE_CACHE_TOKEN   the token for the service

Exit codes:
  0  done          1  wrong command line or input     3  unhealthy, away or too slow
  4  no such device                                   5  refused, or something else than a device cache

Examples:
  breakwater devices list --category P --sort -lastUpdated
  breakwater devices get station_123 --json
  breakwater devices watch --url redis://localhost:6379`;
