// Time of candidates by CPU, in rounds; what a round compares was measured within the same fraction of a second.

/** The CPU time of one call in microseconds, all threads of the process included: what a candidate leaves to the collector is its own cost. */
async function costOfCall(loop, candidate, calls) {
  const before = process.cpuUsage();
  await loop(candidate, calls);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

/** Runs a candidate until the compiler has had its say; then finds how many calls fill a sample. */
async function warmUp({ loop, candidate, fixedCalls, warmUpMs: own }, { warmUpMs: usual, sampleMs }) {
  const warmUpMs = own ?? usual;
  let calls = fixedCalls ?? 16;
  let spentMs = 0;
  for (;;) {
    const lastMs = ((await costOfCall(loop, candidate, calls)) * calls) / 1000;
    spentMs += lastMs;
    if (spentMs >= warmUpMs) return fixedCalls ?? Math.max(1, Math.round((calls * sampleMs) / lastMs));
    if (fixedCalls === undefined && lastMs < sampleMs) calls *= 2;
  }
}

/**
 * Measures all subjects `{ group, loop, candidate, fixedCalls?, warmUpMs? }`: each round runs every group's subjects in an order of
 * its own. Gives each subject `costs`, microseconds per call, one per round.
 */
export async function measure(subjects, { rounds, random, ...effort }) {
  for (const subject of subjects) {
    subject.calls = await warmUp(subject, effort);
    subject.costs = [];
  }
  const groups = groupsOf(subjects);
  // The first rounds show the compiler every candidate once more, each after the others, and count for nothing.
  for (let round = -2; round < rounds; round++) {
    for (const group of shuffled([...groups.values()], random)) {
      for (const subject of shuffled(group, random)) {
        const cost = await costOfCall(subject.loop, subject.candidate, subject.calls);
        if (round >= 0) subject.costs.push(cost);
      }
    }
  }
}

function groupsOf(subjects) {
  const groups = new Map();
  for (const subject of subjects) groups.set(subject.group, [...(groups.get(subject.group) ?? []), subject]);
  return groups;
}

function shuffled(list, random) {
  const result = [...list];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other], result[last]];
  }
  return result;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function seededRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
