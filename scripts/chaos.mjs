// `npm run chaos`: what the cache and shared limits promise while their store goes wrong, on a Redis of their own. Prints the
// tables of docs/cache/failure-modes.md and docs/rate-limit/distributed.md.
import { ensurePackages, envFor, nodeForTools } from './bootstrap.mjs';
import { vitestRun } from './vitest-run.mjs';

await ensurePackages();
const node = await nodeForTools();
const result = await vitestRun('chaos', { command: node, args: [], env: envFor(node) }, ['--project=chaos']);
for (const line of result.ok ? result.output.split('\n').filter((text) => text.startsWith('|')) : [result.output])
  console.log(line);
for (const line of result.notRun ?? []) console.log(`not run: ${line}`);
console.log(`${result.passed} passed, ${result.failed} failed`);
process.exitCode = result.ok ? 0 : 1;
