import { Command } from 'commander';
import { usageError } from '../command-line/command-error.ts';
import { type ConnectionFlags, connectionOptions, withClient } from './connection.ts';
import { entriesOf, metadataOf } from './metadata-input.ts';
import { print, printJson } from './printing.ts';
import { listView } from './views.ts';

interface PutFlags extends ConnectionFlags {
  readonly file?: string;
}

export function putCommand(): Command {
  const command = new Command('put')
    .description('Give a device its metadata, in place of what it had; its readings stay')
    .argument('[id]', 'the id of the device')
    .argument('[metadata]', 'JSON, @file that holds it, or - for standard input')
    .option(
      '-f, --file <file>',
      'many devices: JSONL with {"id":"…","metadata":{…}} on each line; - for standard input',
    )
    .option('--json', 'the devices as JSON, one on a line', false);
  return connectionOptions(command).addHelpText('after', EXAMPLES).action(put);
}

const EXAMPLES = `
Examples:
  breakwater devices put station_123 '{"name":"Roof","place":"Hall 2"}'
  breakwater devices put --file stations.jsonl`;

async function put(id: string | undefined, metadata: string | undefined, flags: PutFlags): Promise<void> {
  const { file, json } = flags;
  if ((file === undefined) === (id === undefined)) throw usageError('put takes either an id with metadata, or --file');
  if (id !== undefined && metadata === undefined) throw usageError(`put ${id} takes metadata: '{"name":"Roof"}'`);
  const entries = file === undefined ? [{ id: id!, metadata: metadataOf(metadata!) }] : entriesOf(file);
  await withClient(flags, async (client) => {
    const devices = await client.putDevices(entries);
    if (json) devices.forEach(printJson);
    else print(listView(devices));
  });
}
