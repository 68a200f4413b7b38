// `npm run bench` ends here, once everything is built and installed.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { allocationFlags } from './allocation.mjs';
import { compare } from './compare.mjs';
import { seededRandom } from './measure.mjs';
import { table, verdict } from './report.mjs';
import { rows } from './rows/index.mjs';

const usage = `npm run bench -- [options]
  --rows NAME,…  only the rows whose name contains one of these
  --quick        fewer rounds: good for a first look, not for a verdict
  --json FILE    writes the numbers to FILE as well
  --check        ends with 1 when a ceiling is missed
  --together     all rows in one process, warm with every other row: what a program of many different pipelines sees
  --seed N       another order of the candidates; default 1`;

const efforts = {
  usual: { rounds: 41, sampleMs: 10, warmUpMs: 150 },
  quick: { rounds: 9, sampleMs: 6, warmUpMs: 60 },
};

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    together: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

function chosenRows() {
  if (options.rows === undefined) return rows;
  const parts = options.rows.split(',').map((part) => part.trim());
  const chosen = rows.filter(({ name }) => parts.some((part) => part !== '' && name.includes(part)));
  const names = rows.map(({ name }) => `  ${name}`).join('\n');
  if (chosen.length === 0) throw new Error(`No row has ${options.rows} in its name. There are:\n${names}`);
  return chosen;
}

/** Measures one row in a process of its own. */
function alone(row, effort) {
  const flags = { bytes: allocationFlags, count: ['--expose-gc'] }[row.unit] ?? [];
  const script = fileURLToPath(new URL('row-process.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, script, row.name, JSON.stringify(effort)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${row.name} could not be measured:\n${stderr}`);
  return JSON.parse(stdout);
}

async function measured(chosen, { seed, ...effort }) {
  if (!options.together) return chosen.map((row) => alone(row, { seed, ...effort }));
  const timed = chosen.filter(({ unit }) => unit === undefined);
  const results = await compare(timed, { ...effort, random: seededRandom(seed) });
  return chosen.map((row) => results[timed.indexOf(row)] ?? alone(row, effort));
}

/** A row for programs: numbers among the rivals, and apart from them why one has none. */
function asData({ name, ours, rivals, ceiling }) {
  const entries = Object.entries(rivals);
  const numbers = entries.filter(([, value]) => typeof value === 'number');
  const reasons = entries.filter(([, value]) => typeof value === 'string');
  const row = { name, ours, rivals: Object.fromEntries(numbers), ceiling };
  return reasons.length === 0 ? row : { ...row, notRun: Object.fromEntries(reasons) };
}

async function main() {
  if (options.help) return console.log(usage);
  const effort = { ...(options.quick ? efforts.quick : efforts.usual), seed: Number(options.seed) };
  const results = await measured(chosenRows(), effort);
  console.log(`CPU time of a call as a multiple of the bare call's; Node ${process.versions.node}\n`);
  console.log(table(results));
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ rows: results.map(asData) }, null, 2)}\n`);
  }
  if (options.check && results.some((result) => verdict(result) !== 'met')) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
process.exit();
