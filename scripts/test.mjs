// `npm test`: everything that a change must pass. `--quick` is the developer's loop, `--only NAME` one step.
import { install } from './bootstrap.mjs';
import { build } from './build.mjs';
import { checkDocs } from './check-docs.mjs';
import { checkConsumer, describeConsumer } from './consumer-check.mjs';
import { runCommand } from './run-command.mjs';
import { describeSmoke, smoke } from './smoke.mjs';
import { readFlags, runSteps } from './steps.mjs';
import { unitTests } from './unit-tests.mjs';
import { inRoot, toolScript } from './workspace.mjs';

const flags = readFlags(process.argv.slice(2), ['--quick']);

/** A step that is one of our own scripts, which says what is wrong and exits with 1. */
const script = (name, file) => ({
  name,
  needs: 'install',
  run: () => runCommand(process.execPath, [inRoot('scripts', file)]).then(briefly),
});

/** The same for a script that looks at what was built. */
const afterBuild = (name, file) => ({ ...script(name, file), needs: 'build' });

/** A step that is one run of a tool. */
const tool = (name, packageName, args, env = process.env) => ({
  name,
  needs: 'install',
  run: () => runCommand(process.execPath, [toolScript(packageName), ...args], { env }),
});

/** The part of the linter that knows types lives for seconds: it may collect its garbage less often, and is a fifth faster. */
const lintEnv = { GOGC: '400', ...process.env };

/** The result of a check that runs in this process, so that it can say what this machine cannot have. */
async function resultOf(faults, describe) {
  const found = await faults;
  return { ok: found.length === 0, output: found.join('\n'), brief: describe() };
}

/** What a check of ours prints when all is well fits on the line of its result. */
const briefly = (result) =>
  result.ok && result.output.trim() !== '' ? { ...result, brief: result.output.trim() } : result;

const quickSteps = [
  { name: 'install', run: install },
  { name: 'build', needs: 'install', run: () => build() },
  tool('lint', 'oxlint', ['--type-aware', '--deny-warnings'], lintEnv),
  tool('format', 'oxfmt', ['--check']),
  script('imports', 'check-imports.mjs'),
  { name: 'unit', needs: 'install', run: () => unitTests({ quick: flags.quick === true }) },
];

const fullSteps = [
  ...quickSteps,
  afterBuild('exports', 'check-exports.mjs'),
  { name: 'docs', needs: 'build', run: checkDocs },
  tool('unused', 'knip', ['--no-progress']),
  afterBuild('api', 'api-report.mjs'),
  afterBuild('bundle', 'bundle.mjs'),
  afterBuild('packages', 'check-packages.mjs'),
  { name: 'consumer', needs: 'build', run: () => resultOf(checkConsumer(), describeConsumer) },
  { name: 'smoke', needs: 'build', run: () => resultOf(smoke(), describeSmoke) },
];

await runSteps(flags.quick ? quickSteps : fullSteps, flags);
