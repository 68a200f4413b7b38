// `npm run verify`: what takes longer than `npm test` may. `--only NAME` runs one step.
import { existsSync } from 'node:fs';
import { envFor, install, nodeForTools, nodeOfMajor } from './bootstrap.mjs';
import { build } from './build.mjs';
import { mutationTests } from './mutation.mjs';
import { chromiumRuntime, bunRuntime, denoRuntime } from './other-runtimes.mjs';
import { runCommand } from './run-command.mjs';
import { bringPostgres } from './system-programs.mjs';
import { readFlags, runSteps } from './steps.mjs';
import { vitestRun } from './vitest-run.mjs';
import { inRoot } from './workspace.mjs';

const anHour = 3_600_000;
// Tests of the library that need Node's own modules or a server live in packages/core/test, and run on Node only.
const portableTests = ['--project=core'];
const coreTests = [...portableTests, '--project=scenarios', '--project=costs'];

const onNode = (major) => ({
  name: `node${major}`,
  // Examples and costs are tested on what was built.
  needs: 'build',
  run: async () => {
    const node = await nodeOfMajor(major);
    return vitestRun(`node${major}`, { command: node, args: [], env: envFor(node) }, coreTests);
  },
});

/** The same tests of the library on another runtime; `bring` gives what stands before vitest, or says why it can't be had. */
const onRuntime = (name, bring) => ({
  name,
  needs: 'install',
  run: async () => {
    const { runtime, vitestArgs = portableTests } = await bring();
    return vitestRun(name, runtime, vitestArgs);
  },
});

/** Property tests, chaos and kills again, with the counts that BREAKWATER_LONG asks of them. */
async function longRuns() {
  const node = await nodeForTools();
  const runtime = { command: node, args: [], env: envFor(node, { BREAKWATER_LONG: '1' }) };
  const files = [
    '.property.test.ts',
    '.model.test.ts',
    'packages/core/test/',
    'packages/cli/test/',
    'packages/device-cache/test/',
  ];
  return vitestRun('long', runtime, ['--testTimeout=1800000', '--project=!postgres', ...files], { timeoutMs: anHour });
}

/** Pools on a PostgreSQL that is restarted, whose connections are killed, and whose network goes silent. */
async function postgresLoad() {
  await bringPostgres();
  const node = await nodeForTools();
  const runtime = { command: node, args: [], env: envFor(node, { BREAKWATER_LONG: '1' }) };
  return vitestRun('postgres', runtime, ['--project=postgres'], { timeoutMs: anHour });
}

async function bench() {
  if (!existsSync(inRoot('scripts', 'bench.mjs'))) return { notRun: ['there is no scripts/bench.mjs yet'] };
  const node = await nodeForTools();
  return runCommand(node, [inRoot('scripts', 'bench.mjs')], { env: envFor(node), timeoutMs: anHour });
}

const flags = readFlags(process.argv.slice(2), []);
await runSteps(
  [
    { name: 'install', run: install },
    { name: 'build', needs: 'install', run: () => build() },
    onNode(22),
    onNode(26),
    onRuntime('deno', denoRuntime),
    onRuntime('bun', bunRuntime),
    onRuntime('chromium', chromiumRuntime),
    { name: 'long', needs: 'build', run: longRuns },
    { name: 'postgres', needs: 'build', run: postgresLoad },
    { name: 'mutation', needs: 'install', run: mutationTests },
    { name: 'bench', needs: 'build', run: bench },
  ],
  flags,
);
