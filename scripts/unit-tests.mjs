// The tests of the workspace, in one run of vitest on a Node that it supports.
import { existsSync } from 'node:fs';
import { Unavailable, envFor, nodeForTools } from './bootstrap.mjs';
import { bringKafka } from './bring-kafka.mjs';
import { bringProgram } from './system-programs.mjs';
import { vitestRun } from './vitest-run.mjs';
import { inRoot, readJson } from './workspace.mjs';

/** The tests of the library that say what it does; coverage is theirs. */
const library = ['core', 'scenarios'];
/** The same for what it costs, over so many calls that the developer's loop leaves them out. */
const costs = ['costs'];
const tools = ['device-client', 'device-cache', 'cli', 'scripts'];
/** Ten thousand schedules, and programs and servers that are started: too long for the developer's loop. */
const long = ['models', 'programs'];

/** In the quick run the long tests stay out. The full run has them, and measures coverage: not of what measures itself. */
export async function unitTests({ quick = false } = {}) {
  const { node, notRun } = await chooseNode();
  const run = (label, projects, args = [], env = {}) =>
    vitestRun(label, { command: node, args: [], env: envFor(node, env) }, [
      ...projects.map((name) => `--project=${name}`),
      ...args,
    ]);
  if (quick) return added([await run('unit', [...library, ...tools])], notRun);
  const withoutRedis = await missingProgram('tests against a real Redis', ['redis-server'], 'redis-server');
  const missing = [
    ...withoutRedis,
    ...(await missingProgram("promtool's check of metrics and alert rules", ['promtool'], 'prometheus')),
    ...(await missingProgram(
      'the status page in Chromium',
      ['chromium', 'chromium-browser', 'google-chrome'],
      'chromium',
    )),
    ...(await missingKafka()),
  ];
  const env = withoutRedis.length > 0 ? { BREAKWATER_WITHOUT_REDIS: '1' } : {};
  const covered = await run('covered', [...library, ...costs], ['--coverage.enabled'], env);
  return added(
    [{ ...covered, brief: `${covered.brief}, ${coverage()}` }, await run('unit', [...tools, ...long])],
    [...notRun, ...missing],
  );
}

/** Why there is no program that tests start; nothing where there is one. */
async function missingProgram(what, names, packageName) {
  try {
    await bringProgram(names, packageName);
    return [];
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return [`${what}: ${error.message}`];
  }
}

/** Why there is no Apache Kafka for the device cache; nothing where there is one. */
async function missingKafka() {
  try {
    await bringKafka();
    return [];
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return [`tests on Apache Kafka: ${error.message}`];
  }
}

/** What came of several runs, as of one. */
function added(runs, notRun) {
  const sum = (pick) => runs.reduce((total, run) => total + pick(run), 0);
  return {
    ok: runs.every(({ ok }) => ok),
    output: runs
      .filter(({ ok }) => !ok)
      .map(({ output }) => output)
      .join('\n'),
    passed: sum(({ passed }) => passed),
    // A run that broke without a failed test to show for it, such as by its coverage, is itself what failed.
    failed: sum(({ ok, failed }) => (ok ? 0 : Math.max(1, failed))),
    brief: runs.map(({ brief }) => brief).join('; '),
    notRun: [...notRun, ...runs.flatMap((run) => run.notRun ?? [])],
  };
}

/** How much of the library the tests go through; vitest.config.ts says how much it must be. */
function coverage() {
  const path = inRoot('.cache', 'coverage', 'coverage-summary.json');
  if (!existsSync(path)) return 'coverage unknown';
  const { statements, branches } = readJson(path).total;
  return `${statements.pct} % of statements and ${branches.pct} % of branches covered`;
}

/** Without a newer Node the tests still run on our own, where only vitest's report of a failure is poor. */
async function chooseNode() {
  try {
    return { node: await nodeForTools(), notRun: [] };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return {
      node: process.execPath,
      notRun: [`on Node 24: ${error.message}; running on Node ${process.versions.node} instead`],
    };
  }
}
