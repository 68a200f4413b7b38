// One row in a process of its own, so that its numbers don't depend on what other rows have left behind in the compiler,
// in the heap and among the timers. Started by main.mjs with the row's name and the effort; prints the result as JSON.
import { compare, countBytes, countOf } from './compare.mjs';
import { seededRandom } from './measure.mjs';
import { rows } from './rows/index.mjs';

const [name, effort] = process.argv.slice(2);
const { seed, ...rest } = JSON.parse(effort);
const row = rows.find((candidate) => candidate.name === name);
const timed = async () => (await compare([row], { ...rest, random: seededRandom(seed) }))[0];
const measured = { bytes: () => countBytes(row), count: () => countOf(row), ns: timed, ratio: timed };
const result = await measured[row.unit ?? 'ratio']();
process.stdout.write(JSON.stringify(result), () => {
  // Breakers of others keep timers of their own.
  process.exit();
});
