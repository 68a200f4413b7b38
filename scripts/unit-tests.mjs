// The tests of the workspace, in one run of vitest on a Node that it supports.
import { Unavailable, envFor, nodeForTools } from './bootstrap.mjs';
import { vitestRun } from './vitest-run.mjs';

/** In the quick run, the tests that start programs and servers stay out; the full run has them. */
export async function unitTests({ quick = false } = {}) {
  const { node, notRun } = await chooseNode();
  const projects = quick ? ['--project=core', '--project=scenarios', '--project=cli', '--project=scripts'] : [];
  const result = await vitestRun('unit', { command: node, args: [], env: envFor(node) }, projects);
  return { ...result, notRun: [...notRun, ...(result.notRun ?? [])] };
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
