// Programs of the system that tests start: found on the PATH, or installed where the machine lets us.
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Unavailable } from './bootstrap.mjs';
import { runCommand } from './run-command.mjs';

/** The path of the first of `names` that is there; where none is, Debian's `packageName` is installed. */
export async function bringProgram(names, packageName) {
  return bring(() => findProgram(names), packageName);
}

/** The path of a PostgreSQL server, which Debian keeps off the PATH. */
export async function bringPostgres() {
  return bring(findPostgres, 'postgresql');
}

async function bring(find, packageName) {
  const found = find();
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0) throw new Unavailable(`no ${packageName} on the PATH, and only root can install one`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', packageName]]) {
    const result = await runCommand('apt-get', args, { env, timeoutMs: 300_000 });
    if (!result.ok)
      throw new Unavailable(
        `no ${packageName} on the PATH, and apt-get ${args[0]} failed (${lastLine(result.output)})`,
      );
  }
  const installed = find();
  if (installed === undefined) throw new Unavailable(`apt-get installed a ${packageName} that is not to be found`);
  return installed;
}

function findPostgres() {
  const versions = '/usr/lib/postgresql';
  const installed = existsSync(versions) ? readdirSync(versions).map((name) => join(versions, name, 'bin')) : [];
  return [...installed.map((folder) => join(folder, 'postgres')).filter(isExecutable), findProgram(['postgres'])][0];
}

function findProgram(names) {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EACCES') return false;
    throw error;
  }
}

const lastLine = (output) => output.trim().split('\n').at(-1);
