// Writes the API reference of the library to `.cache/api-docs`, one page per subpath.
import { ensurePackages } from './bootstrap.mjs';
import { runCommand } from './run-command.mjs';
import { inRoot, toolScript } from './workspace.mjs';

await ensurePackages();
const { exportMap } = await import('./check-exports.mjs');
const folder = inRoot('packages', 'core');
const entries = Object.values(exportMap(folder)).filter((target) => typeof target === 'object');
const result = await runCommand(process.execPath, [
  toolScript('typedoc'),
  '--name',
  'Breakwater',
  '--readme',
  'none',
  '--disableGit',
  '--sourceLinkTemplate',
  '{path}#L{line}',
  '--tsconfig',
  inRoot('packages', 'core', 'tsconfig.json'),
  '--out',
  inRoot('.cache', 'api-docs'),
  ...entries.map(({ default: path }) =>
    inRoot('packages', 'core', path.replace('./dist/', 'src/').replace(/\.js$/, '.ts')),
  ),
]);
process.stdout.write(result.output);
process.exitCode = result.ok ? 0 : 1;
