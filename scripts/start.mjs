// `npm start`: from a fresh clone to the running demo, on the Node that is there.
import { existsSync } from 'node:fs';
import { ensurePackages } from './bootstrap.mjs';
import { build } from './build.mjs';
import { runInForeground } from './run-command.mjs';
import { inRoot } from './workspace.mjs';

try {
  await ensurePackages();
  if (!existsSync(inRoot('packages/cli/dist'))) console.log('Building …');
  const result = await build(['packages/cli']);
  if (!result.ok) {
    console.error(result.output);
    throw new Error('The build failed: see above.');
  }
  process.exitCode = await runInForeground(process.execPath, [
    inRoot('packages/cli/bin/breakwater.js'),
    'demo',
    ...process.argv.slice(2),
  ]);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
