// What we are measured against: the packages of bench/, which nobody else needs.
import { existsSync } from 'node:fs';
import { npm } from './bootstrap.mjs';
import { inRoot, readJson } from './workspace.mjs';

/** Whether bench/node_modules is what its lock file says. */
function isInstalled() {
  const installedPath = inRoot('bench/node_modules/.package-lock.json');
  if (!existsSync(installedPath)) return false;
  const installed = readJson(installedPath).packages;
  const { '': _root, ...wanted } = readJson(inRoot('bench/package-lock.json')).packages;
  // What is optional is for other machines than this one.
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => optional === true || installed[path]?.version === version,
  );
}

/** The rivals of bench/package.json. Without them the run goes on: each of their columns says why it is empty. */
export async function installRivals() {
  if (isInstalled()) return;
  console.log('Installing what we are measured against …');
  const result = await npm(['ci', '--prefix', inRoot('bench'), '--ignore-scripts', '--loglevel=error'], {
    cwd: inRoot('bench'),
  });
  if (!result.ok) console.error(`${result.output}They could not be installed; the table will have our numbers only.`);
}
