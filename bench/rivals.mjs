// The libraries that we are measured against: the dependencies of bench/package.json, as far as this Node loads them.
import { readFileSync } from 'node:fs';

/** Why a candidate has no number. */
export class NotRun extends Error {}

/** Parts of packages that have an entry of their own. */
const parts = ['bentocache/drivers/memory'];

/** Loads all rivals; the returned function gives the module of a package or throws NotRun. */
export async function loadRivals() {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
  const modules = new Map();
  const reasons = new Map([['@std/async', 'published on JSR only, not on the npm registry']]);
  for (const name of [...Object.keys(dependencies), ...parts]) {
    try {
      modules.set(name, await import(name));
    } catch (error) {
      reasons.set(name, error.code === 'ERR_MODULE_NOT_FOUND' ? 'not installed' : String(error.message).split('\n')[0]);
    }
  }
  return (name) => {
    const module = modules.get(name);
    if (module === undefined) throw new NotRun(`${name}: ${reasons.get(name) ?? 'not a dependency of bench/'}`);
    return module;
  };
}
