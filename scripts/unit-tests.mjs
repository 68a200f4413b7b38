// The tests of the workspace, in one run of vitest on a Node that it supports.
import { existsSync } from 'node:fs';
import { Unavailable, envFor, nodeForTools } from './bootstrap.mjs';
import { vitestRun } from './vitest-run.mjs';
import { inRoot, readJson } from './workspace.mjs';

/** In the quick run, the tests that start programs and servers stay out; the full run has them, and measures coverage. */
export async function unitTests({ quick = false } = {}) {
  const { node, notRun } = await chooseNode();
  const projects = ['--project=core', '--project=scenarios', '--project=cli', '--project=scripts'];
  const args = quick ? projects : ['--coverage.enabled'];
  const result = await vitestRun('unit', { command: node, args: [], env: envFor(node) }, args);
  const brief = quick ? result.brief : `${result.brief}, ${coverage()}`;
  return { ...result, brief, notRun: [...notRun, ...(result.notRun ?? [])] };
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
