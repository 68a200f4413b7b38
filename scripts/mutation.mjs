// Mutation tests of the policies: changes the code in small ways and asks whether a test notices.
import { existsSync, readdirSync } from 'node:fs';
import { nodeForTools, envFor } from './bootstrap.mjs';
import { runCommand } from './run-command.mjs';
import { inRoot, isMain, toolScript } from './workspace.mjs';

const twoHours = 7_200_000;

export async function mutationTests() {
  const policies = ['retry', 'circuit-breaker', 'timeout', 'bulkhead', 'hedge', 'gates'];
  const empty = policies.filter((name) => !hasSources(inRoot('packages', 'core', 'src', name)));
  if (empty.length > 0) return { ok: false, output: `nothing to mutate in ${empty.join(', ')}` };
  const node = await nodeForTools();
  const args = [toolScript('@stryker-mutator/core', 'stryker'), 'run', inRoot('stryker.config.mjs')];
  const result = await runCommand(node, args, { env: envFor(node), timeoutMs: twoHours });
  const score =
    /Final mutation score of ([\d.]+)/.exec(result.output)?.[1] ?? /All files\s*\|\s*([\d.]+)/.exec(result.output)?.[1];
  if (score === undefined) return { ...result, ok: false };
  return { ...result, brief: `mutation score ${score} %` };
}

function hasSources(folder) {
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
}

if (isMain(import.meta)) {
  const result = await mutationTests();
  console.log(result.output);
  process.exitCode = result.ok ? 0 : 1;
}
