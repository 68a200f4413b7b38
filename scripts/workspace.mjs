// Where things lie in this repository, for every other script.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

export const inRoot = (...parts) => join(root, ...parts);

export const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** A tool's script, to be run by the Node of our choice: no `.bin` shims, they differ between systems. */
export function toolScript(packageName, binName = packageName.split('/').pop()) {
  const folder = inRoot('node_modules', packageName);
  const { bin } = readJson(join(folder, 'package.json'));
  return join(folder, typeof bin === 'string' ? bin : bin[binName]);
}

/** The packages of the workspace that are published, in the order in which they depend on each other. */
export function packages() {
  return readJson(inRoot('package.json'))
    .workspaces.map((folder) => ({ folder, path: inRoot(folder) }))
    .filter(({ path }) => existsSync(join(path, 'package.json')))
    .map((entry) => ({ ...entry, manifest: readJson(join(entry.path, 'package.json')) }))
    .filter(({ manifest }) => manifest.private !== true);
}

/** The packages that programs import: their export maps follow their folders, and their public surface is kept as text. */
export const libraries = ['packages/core', 'packages/device-client'];

/** Whether this file was started itself and not imported. */
export function isMain(meta) {
  return process.argv[1] !== undefined && fileURLToPath(meta.url) === process.argv[1];
}
