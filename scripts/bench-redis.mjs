// `npm run bench:redis`: the second tier of the cache next to the bare clients, and shared limits next to others; with
// `--breakdown`, where the time of a single reading of the second tier goes.
import { installRivals } from './bench-packages.mjs';
import { ensurePackages, nodeForTools } from './bootstrap.mjs';
import { build } from './build.mjs';
import { runInForeground } from './run-command.mjs';
import { inRoot } from './workspace.mjs';

await ensurePackages();
await installRivals();
const result = await build(['packages/core']);
if (result.ok) {
  const node = await nodeForTools();
  const given = process.argv.slice(2);
  const parts = given.includes('--breakdown') ? ['redis-breakdown.mjs'] : ['redis.mjs', 'redis-limits.mjs'];
  for (const part of parts) {
    const code = await runInForeground(node, [inRoot('bench', part), ...given]);
    process.exitCode = Math.max(process.exitCode ?? 0, code);
  }
} else {
  console.error(result.output);
  process.exitCode = 1;
}
