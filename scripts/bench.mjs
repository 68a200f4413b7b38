// `npm run bench`: how much a call costs, ours and theirs side by side. Installs the others on demand: nobody else needs them.
import { ensurePackages } from './bootstrap.mjs';
import { installRivals } from './bench-packages.mjs';
import { build } from './build.mjs';
import { runInForeground } from './run-command.mjs';
import { inRoot } from './workspace.mjs';

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
