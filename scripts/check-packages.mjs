// Lints the packed tarballs: publint for what npm users meet, attw for how TypeScript resolves the types.
import { packAll } from './packed.mjs';
import { runCommand } from './run-command.mjs';
import { isMain, readJson, toolScript, inRoot } from './workspace.mjs';

/** Resolves to the list of faults. */
export async function checkPackages() {
  const faults = [];
  for (const { name, path } of await packAll()) {
    const publint = await runCommand(process.execPath, [toolScript('publint'), path, '--strict']);
    if (!publint.ok) faults.push(`publint on ${name}:\n${publint.output}`);
    // A package without a library inside has no types to resolve.
    if (!hasLibrary(name)) continue;
    const args = [path, '--profile', 'esm-only', '--no-color', '--no-emoji'];
    const attw = await runCommand(process.execPath, [toolScript('@arethetypeswrong/cli', 'attw'), ...args]);
    if (!attw.ok) faults.push(`attw on ${name}:\n${attw.output}`);
  }
  return faults;
}

function hasLibrary(name) {
  const { exports: map } = readJson(inRoot('node_modules', name, 'package.json'));
  return Object.values(map).some((target) => typeof target === 'object');
}

if (isMain(import.meta)) {
  const faults = await checkPackages();
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
