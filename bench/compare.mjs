// From rows to numbers: makes the candidates, measures them side by side, and relates each to the bare call.
import { bytesPerCall } from './allocation.mjs';
import { measure, median } from './measure.mjs';
import { bareCall } from './policies.mjs';
import { loadRivals, NotRun } from './rivals.mjs';
import { inSequence } from './run.mjs';

/** Tries a candidate once: a row must not be won by failing fast. */
async function check(candidate, { name, rejects = false }) {
  const rejected = await Promise.resolve(candidate()).then(
    () => false,
    () => true,
  );
  if (rejected !== rejects) throw new Error(`${name}: a candidate ${rejected ? 'rejects' : 'does not reject'}`);
}

/** What one column of a row runs: one candidate and, where the row is about a difference, the others. */
async function column(row, make, more, use) {
  const subjects = [];
  for (const maker of [make, ...(more ?? [])]) {
    const candidate = await maker(use);
    await check(candidate, row);
    const { name: group, loop = inSequence, calls: fixedCalls, warmUpMs } = row;
    subjects.push({ group, loop, fixedCalls, warmUpMs, candidate });
  }
  return { subjects, isDifference: more !== undefined };
}

async function prepare(row, use) {
  const rivals = {};
  for (const [name, make] of Object.entries(row.rivals)) {
    try {
      rivals[name] = await column(row, make, row.rivalsMore?.[name], use);
    } catch (error) {
      if (!(error instanceof NotRun)) throw error;
      rivals[name] = { subjects: [], notRun: error.message };
    }
  }
  // The bare call of a row whose calls fail is still one that succeeds.
  const bareLoop = row.calls === undefined ? inSequence : row.loop;
  const candidate = row.bareOf === undefined ? (row.bare ?? bareCall) : await row.bareOf(use);
  const bare = { group: row.name, loop: bareLoop, candidate, fixedCalls: row.calls, warmUpMs: row.warmUpMs };
  return { row, bare, ours: await column(row, row.ours, row.oursMore, use), rivals };
}

/** The median of the rounds' ratios; of a difference, that of the mean of what the others cost more than the first. */
function ratioTo(bare, { subjects: [first, ...others], isDifference }) {
  const ratios = bare.costs.map((bareCost, round) => {
    if (!isDifference) return first.costs[round] / bareCost;
    const more = others.map(({ costs }) => costs[round] - first.costs[round]);
    return more.reduce((sum, value) => sum + value, 0) / more.length / bareCost;
  });
  return median(ratios);
}

/** The median of the rounds, for a row that no bare call compares with; of a difference, as above. */
function nanoseconds({ subjects: [first, ...others], isDifference }) {
  const costs = first.costs.map((cost, round) => {
    if (!isDifference) return cost;
    return others.reduce((sum, { costs: more }) => sum + more[round] - cost, 0) / others.length;
  });
  return median(costs) * 1_000;
}

function resultOf({ row, ours, rivals }, valueOf) {
  const values = Object.entries(rivals).map(([name, rival]) => [name, rival.notRun ?? valueOf(rival)]);
  return {
    name: row.name,
    ours: valueOf(ours),
    rivals: Object.fromEntries(values),
    ceiling: row.ceiling,
    unit: row.unit,
    digits: row.digits,
  };
}

/** Measures these rows in this process, a result `{ name, ours, rivals, ceiling, unit }` for each; a rival that can't run has its reason in place of a number. */
export async function compare(rows, effort) {
  const use = await loadRivals();
  const prepared = [];
  for (const row of rows) prepared.push(await prepare(row, use));
  const columnsOf = ({ ours, rivals }) => [ours, ...Object.values(rivals)];
  await measure(
    prepared.flatMap((entry) => [entry.bare, ...columnsOf(entry).flatMap(({ subjects }) => subjects)]),
    effort,
  );
  return prepared.map((entry) => {
    const valueOf = entry.row.unit === 'ns' ? nanoseconds : (measured) => ratioTo(entry.bare, measured);
    return resultOf(entry, valueOf);
  });
}

/** The same for a row that counts bytes. */
export async function countBytes(row) {
  const entry = await prepare(row, await loadRivals());
  const bytes = new Map();
  for (const counted of [entry.ours, ...Object.values(entry.rivals)]) {
    if (counted.notRun === undefined) bytes.set(counted, await bytesPerCall(counted.subjects[0].candidate));
  }
  return resultOf(entry, (counted) => bytes.get(counted));
}

/** The same for a row whose candidates give their numbers themselves. */
export async function countOf(row) {
  const use = await loadRivals();
  const values = {};
  for (const [name, count] of Object.entries(row.rivals)) {
    try {
      values[name] = await count(use);
    } catch (error) {
      if (!(error instanceof NotRun)) throw error;
      values[name] = error.message;
    }
  }
  return { name: row.name, ours: await row.ours(use), rivals: values, ceiling: row.ceiling, unit: row.unit };
}
