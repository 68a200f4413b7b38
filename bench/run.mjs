// How candidates are called: all of a row through one and the same of these loops, so that whatever the loop costs is in
// every column.

/** One call after the other. */
export async function inSequence(candidate, calls) {
  for (let call = 0; call < calls; call++) await candidate();
}

/** One call after the other, each of which rejects. */
export async function catching(candidate, calls) {
  for (let call = 0; call < calls; call++) {
    try {
      await candidate();
    } catch {
      // That it rejects was checked before the clock ran.
    }
  }
}

/** All calls at once. */
export async function atOnce(candidate, calls) {
  const running = new Array(calls);
  for (let call = 0; call < calls; call++) running[call] = candidate();
  await Promise.all(running);
}

/** One call after the other; those that answer at once are not waited for. */
export async function decisions(candidate, calls) {
  for (let call = 0; call < calls; call++) {
    const answer = candidate();
    if (answer instanceof Promise) await answer;
  }
}
