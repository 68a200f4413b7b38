// `npm run bench`: how much a call costs, ours and theirs side by side. Installs the others on demand: nobody else needs them.
import { existsSync } from 'node:fs';
import { ensurePackages, npm } from './bootstrap.mjs';
import { build } from './build.mjs';
import { runInForeground } from './run-command.mjs';
import { inRoot, readJson } from './workspace.mjs';

/** Whether bench/node_modules is what its lock file says. */
function isInstalled() {
  const installedPath = inRoot('bench/node_modules/.package-lock.json');
  if (!existsSync(installedPath)) return false;
  const installed = readJson(installedPath).packages;
  const { '': _root, ...wanted } = readJson(inRoot('bench/package-lock.json')).packages;
  return Object.entries(wanted).every(([path, { version }]) => installed[path]?.version === version);
}

/** The rivals of bench/package.json. Without them the run goes on: each of their columns says why it is empty. */
async function installRivals() {
  if (isInstalled()) return;
  console.log('Installing what we are measured against …');
  const result = await npm(['ci', '--prefix', inRoot('bench'), '--ignore-scripts', '--loglevel=error'], {
    cwd: inRoot('bench'),
  });
  if (!result.ok) console.error(`${result.output}They could not be installed; the table will have our numbers only.`);
}

try {
  await ensurePackages();
  await installRivals();
  const result = await build(['packages/core']);
  if (!result.ok) throw new Error(`${result.output}\nThe build failed: see above.`);
  process.exitCode = await runInForeground(process.execPath, [inRoot('bench/main.mjs'), ...process.argv.slice(2)]);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
