// One run of vitest under a given runtime, counted from its JSON report and not from its closing lines.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { runCommand } from './run-command.mjs';
import { inRoot, readJson, toolScript } from './workspace.mjs';

/** `runtime` is `{ command, args, env }`: what stands before vitest's own script. */
export async function vitestRun(label, runtime, vitestArgs, options = {}) {
  const report = inRoot('.cache', 'reports', `vitest-${label}.json`);
  mkdirSync(inRoot('.cache', 'reports'), { recursive: true });
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = [...runtime.args, toolScript('vitest'), 'run', ...reporters, ...vitestArgs];
  const env = { ...runtime.env, CI: 'true' };
  const result = await runCommand(runtime.command, args, { ...options, env });
  // Some runtimes crash a reporter after the tests have ended; without a report nothing is known, which is a failure.
  if (!existsSync(report)) return { ok: false, output: result.output, failed: 1, passed: 0 };
  const {
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests,
    numTodoTests,
    testResults,
  } = readJson(report);
  const skipped = numPendingTests + numTodoTests;
  return {
    ok: result.ok && failed === 0,
    output: result.output,
    passed,
    failed,
    brief: `${passed} tests in ${testResults.length} files`,
    notRun: skipped > 0 ? skippedTests(testResults) : [],
  };
}

function skippedTests(testResults) {
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ fullName, status }) => `${fullName} (marked ${status} in its file)`),
  );
}
