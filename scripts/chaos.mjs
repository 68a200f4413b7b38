// `npm run chaos`: what the cache promises while its second tier goes wrong, on a Redis of its own. Prints the table of
// docs/cache/failure-modes.md.
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
