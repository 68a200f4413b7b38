// Runs the steps of `npm test` and `npm run verify` one after another, tells what came of each, and adds up.
import { Unavailable } from './bootstrap.mjs';

/**
 * A step is `{ name, run, needs? }`; `needs` names an earlier step without which it would only repeat that one's complaint.
 * `run` resolves to `{ ok, output, brief?, passed?, failed?, notRun? }`: `passed` and `failed` where it counts more than itself,
 * `notRun` for a list of reasons why parts of it could not be run, with `ok` undefined where that is all of it.
 */
export async function runSteps(steps, { only } = {}) {
  if (only !== undefined && !steps.some(({ name }) => name === only)) {
    console.error(`No step is called "${only}". There are: ${steps.map(({ name }) => name).join(', ')}`);
    process.exitCode = 1;
    return;
  }
  const chosen = only === undefined ? steps : withNeeds(steps, only);
  const total = { passed: 0, failed: 0 };
  const broken = new Map();
  const started = performance.now();
  for (const step of chosen) {
    const { passed, failed } = await runStep(step, broken);
    if (failed > 0) broken.set(step.name, `the step "${step.name}" failed`);
    else if (broken.has(step.needs)) broken.set(step.name, `the step "${step.name}" was not run`);
    total.passed += passed;
    total.failed += failed;
  }
  process.exitCode = total.failed === 0 ? 0 : 1;
  console.log(`\n${seconds(started)} in all`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
}

/** A step with all that must have gone before. */
function withNeeds(steps, name) {
  const step = steps.find((candidate) => candidate.name === name);
  return step.needs === undefined ? [step] : [...withNeeds(steps, step.needs), step];
}

async function runStep({ name, run, needs }, broken) {
  const started = performance.now();
  console.log(`\n── ${name}`);
  const result = broken.has(needs) ? { notRun: [broken.get(needs)] } : await attempt(run);
  for (const reason of result.notRun ?? []) console.log(`   not run: ${reason}`);
  if (result.ok === undefined) return { passed: 0, failed: 0 };
  if (!result.ok) console.log(result.output.trimEnd());
  const counts = { passed: result.passed ?? (result.ok ? 1 : 0), failed: result.failed ?? 0 };
  // A step that broke without a failed test to show for it is itself what failed.
  if (!result.ok && counts.failed === 0) counts.failed = 1;
  const brief = result.ok && result.brief !== undefined ? `, ${result.brief}` : '';
  console.log(`   ${result.ok ? 'ok' : 'FAILED'} in ${seconds(started)}${brief}`);
  return counts;
}

async function attempt(run) {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Unavailable) return { notRun: [error.message] };
    return { ok: false, output: error.stack ?? String(error) };
  }
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/** Reads `--only NAME` and the given flags; anything else is refused, with the list of what there is. */
export function readFlags(args, known) {
  const flags = { only: undefined };
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index];
    if (arg === '--only' && args[index + 1] !== undefined) flags.only = args[(index += 1)];
    else if (known.includes(arg)) flags[arg.slice(2)] = true;
    else return refuse(`Unknown argument "${arg}". There are: ${['--only NAME', ...known].join(', ')}`);
  }
  return flags;
}

function refuse(message) {
  console.error(message);
  process.exit(1);
}
