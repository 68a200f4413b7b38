// The packages as a user gets them: packed, and installed bare in a folder outside of this repository.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unavailable, npm } from './bootstrap.mjs';
import { inRoot, packages } from './workspace.mjs';

/** Packs every package into `.cache/packed` and returns the paths of the tarballs. */
export async function packAll() {
  const folder = inRoot('.cache', 'packed');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const result = await npm([
    'pack',
    '--workspaces',
    '--ignore-scripts',
    '--loglevel=error',
    '--pack-destination',
    folder,
  ]);
  if (!result.ok) throw new Error(`npm pack failed:\n${result.output}`);
  return packages().map(({ manifest }) => ({
    name: manifest.name,
    path: join(folder, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`),
  }));
}

/** Installs the tarballs, and what they depend on, into a new folder, calls `use` with it, and removes it. */
export async function withInstalledPackages(use, { besides = [] } = {}) {
  // Outside of the repository, so that nothing is found in our own node_modules by accident.
  const folder = mkdtempSync(join(tmpdir(), 'breakwater-installed-'));
  try {
    const tarballs = await packAll();
    writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
    const specifiers = [...tarballs.map(({ path }) => path), ...besides];
    const args = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    const result = await npm([...args, ...specifiers], { cwd: folder, env: bareEnvironment() });
    if (!result.ok) throw installFault(result.output);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Our packages need a few others from the registry; without a network that is no fault of theirs. */
function installFault(output) {
  const offline = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/.exec(output)?.[1];
  if (offline !== undefined)
    return new Unavailable(`what the packed packages depend on could not be fetched (${offline})`);
  return new Error(`the packed packages could not be installed:\n${output}`);
}

/** Without what `npm run` tells its children: an inner npm would take our folder for its own. */
function bareEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle|config_(local_prefix|prefix|workspace))/.test(name),
    ),
  );
}

/** Every way to import the packed packages, from their export maps: `breakwater`, `breakwater/retry`, … */
export function subpaths() {
  return packages().flatMap(({ manifest }) =>
    Object.entries(manifest.exports)
      .filter(([, target]) => typeof target === 'object')
      .map(([key]) => `${manifest.name}${key.slice(1)}`),
  );
}
