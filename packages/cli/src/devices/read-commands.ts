import { Command, Option } from 'commander';
import type { Device, DeviceSummary, HealthStatus, ListQuery } from '@breakwater/device-client';
import { CommandError, exitCodes } from '../command-line/command-error.ts';
import { wholeNumber } from '../command-line/quantities.ts';
import { type ConnectionFlags, connectionOptions, withClient } from './connection.ts';
import { print, printJson, printNote } from './printing.ts';
import { deviceView, healthView, infoView, listView } from './views.ts';

interface ListFlags extends ConnectionFlags, Omit<ListQuery, 'limit'> {
  readonly limit: number;
  readonly all: boolean;
}

/** How many devices are asked for at a time. */
const PAGE = 500;

export function listCommand(): Command {
  const command = new Command('list')
    .description('List devices, without their readings')
    .optionsGroup('Which devices:')
    .option('--pattern <pattern>', 'ids in which * stands for any text and ? for one character: station_*')
    .option('--category <name>', 'with a reading of this category')
    .option('--unit <name>', 'with a reading in this unit')
    .option('--datatype <name>', 'with a reading of this datatype, by its name or id')
    .option('--updated-since <timestamp>', 'heard of since: 2024-03-01T12:00:00Z')
    .addOption(
      new Option('--sort <order>', 'a dash turns it round')
        .choices(['id', '-id', 'lastUpdated', '-lastUpdated'])
        .default('id'),
    )
    .option('-n, --limit <devices>', 'at most so many', wholeNumber(1, Infinity), 100)
    .option('--all', 'all of them', false)
    .option('--offset <devices>', 'leave out so many at the beginning', wholeNumber(0, 1_000_000_000))
    .option('--cursor <cursor>', 'go on where an earlier list ended, which has told it')
    .option('--json', 'one device on a line, as JSON', false);
  return connectionOptions(command).action(list);
}

async function list(flags: ListFlags): Promise<void> {
  const { pattern, category, unit, datatype, updatedSince, sort, offset, cursor, limit, all, json } = flags;
  const most = all ? Infinity : limit;
  const query = { pattern, category, unit, datatype, updatedSince, sort };
  await withClient(flags, async (client) => {
    const shown: DeviceSummary[] = [];
    let count = 0;
    let from: ListQuery = { offset, cursor };
    for (;;) {
      const { devices, nextCursor } = await client
        .listDevices({ ...query, ...from, limit: Math.min(PAGE, most - count) })
        .page();
      count += devices.length;
      if (json) devices.forEach(printJson);
      else shown.push(...devices);
      if (nextCursor === null) break;
      from = { cursor: nextCursor };
      if (count < most) continue;
      printNote(`There may be more: --all shows all, --cursor '${nextCursor}' goes on from here.`);
      break;
    }
    if (!json) print(listView(shown));
  });
}

interface GetFlags extends ConnectionFlags {
  readonly category?: string;
  readonly index?: string;
}

export function getCommand(): Command {
  const command = new Command('get')
    .description('Show devices with their latest readings')
    .argument('<ids...>', 'ids of devices')
    .option('--category <name>', 'only readings of this category')
    .option('--index <name>', 'only this reading: T')
    .option('--json', 'one device on a line, as JSON', false);
  return connectionOptions(command).action(get);
}

async function get(ids: readonly string[], flags: GetFlags): Promise<void> {
  const { category, index, json } = flags;
  await withClient(flags, async (client) => {
    const devices = await client.getDevices(ids);
    const missing = ids.filter((id) => !devices.has(id));
    const shown = [...devices.values()].map((device) => withReadings(device, category, index));
    if (json) shown.forEach(printJson);
    else if (shown.length > 0) print(shown.map(deviceView).join('\n\n'));
    if (missing.length > 0) throw new CommandError(`there is no device ${missing.join(', ')}`, exitCodes.notFound);
  });
}

/** The device with those of its readings that are wanted. */
function withReadings(device: Device, category: string | undefined, index: string | undefined): Device {
  const readings = device.readings.filter(
    (reading) =>
      (category === undefined || reading.metadata?.datatype_category === category) &&
      (index === undefined || reading.index === index),
  );
  return { ...device, readings };
}

export function infoCommand(): Command {
  const command = new Command('info')
    .description('Show what the cache holds: devices, memory, oldest and newest entry, hit ratios')
    .option('--json', 'as JSON', false);
  return connectionOptions(command).action(async (flags: ConnectionFlags) => {
    await withClient(flags, async (client) => {
      const info = await client.cacheInfo();
      if (flags.json) printJson(info);
      else print(infoView(info));
    });
  });
}

export function healthCommand(): Command {
  const command = new Command('health')
    .description('Show how the cache is. Exit code 0 when it is healthy or degraded, 3 when it is unhealthy or away')
    .option('--json', 'as JSON', false);
  return connectionOptions(command).action(async (flags: ConnectionFlags) => {
    await withClient(flags, async (client) => {
      const health: HealthStatus = await client.health();
      if (flags.json) printJson(health);
      else print(healthView(health));
      if (health.status === 'unhealthy') process.exitCode = exitCodes.upstreamUnavailable;
    });
  });
}
