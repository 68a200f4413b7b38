// `npm run bench:redis`: the second tier of the cache next to the bare clients, and shared limits next to others.
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
  for (const part of ['bench/redis.mjs', 'bench/redis-limits.mjs']) {
    const code = await runInForeground(node, [inRoot(part), ...process.argv.slice(2)]);
    process.exitCode = Math.max(process.exitCode ?? 0, code);
  }
} else {
  console.error(result.output);
  process.exitCode = 1;
}
