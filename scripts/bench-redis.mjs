// `npm run bench:redis`: the second tier of the cache next to the bare clients.
import { ensurePackages, nodeForTools } from './bootstrap.mjs';
import { build } from './build.mjs';
import { runInForeground } from './run-command.mjs';
import { inRoot } from './workspace.mjs';

await ensurePackages();
const result = await build(['packages/core']);
if (result.ok)
  process.exitCode = await runInForeground(await nodeForTools(), [inRoot('bench/redis.mjs'), ...process.argv.slice(2)]);
else {
  console.error(result.output);
  process.exitCode = 1;
}
