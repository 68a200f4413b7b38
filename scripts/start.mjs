// `npm start`: from a fresh clone to the running demo, on the Node that is there. `npm start -- serve` runs the device cache, on
// a Node that it can run on, and `npm start -- devices list` any other command.
import { existsSync } from 'node:fs';
import { ensurePackages, nodeOfMajor } from './bootstrap.mjs';
import { build } from './build.mjs';
import { runInForeground } from './run-command.mjs';
import { inRoot } from './workspace.mjs';

/** What each command needs to be built, and whether it needs a newer Node than the rest. */
const commands = {
  demo: { projects: ['packages/cli'] },
  run: { projects: ['packages/cli'] },
  upstream: { projects: ['packages/cli'] },
  devices: { projects: ['packages/cli'] },
  serve: { projects: ['packages/cli', 'packages/device-cache'], isForNewerNode: true },
};

/** The oldest Node of each line that the service runs on; see packages/device-cache. */
const serviceNodes = { 22: 22, 24: 6 };

try {
  const given = process.argv.slice(2);
  const args = Object.hasOwn(commands, given[0] ?? '') ? given : ['demo', ...given];
  const { projects, isForNewerNode = false } = commands[args[0]];
  await ensurePackages();
  if (projects.some((project) => !existsSync(inRoot(project, 'dist')))) console.log('Building …');
  const result = await build(projects);
  if (!result.ok) {
    console.error(result.output);
    throw new Error('The build failed: see above.');
  }
  const node = isForNewerNode && !runsService() ? await nodeOfMajor(24) : process.execPath;
  process.exitCode = await runInForeground(node, [inRoot('packages/cli/bin/breakwater.js'), ...args]);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

function runsService() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 24 || minor >= (serviceNodes[major] ?? Infinity);
}
