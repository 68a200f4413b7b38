/** What was let through, and when. */
export interface Admission {
  readonly atMs: number;
  readonly cost: number;
}

/**
 * The most that any window of this length has let through.
 *
 * @param closed Whether both ends of a window belong to it; otherwise only the first does.
 */
export function mostInAnyWindow(admissions: readonly Admission[], windowMs: number, closed = true): number {
  let most = 0;
  let sum = 0;
  let first = 0;
  for (const { atMs, cost } of admissions) {
    sum += cost;
    for (let age = atMs - admissions[first]!.atMs; closed ? age > windowMs : age >= windowMs;) {
      sum -= admissions[first++]!.cost;
      age = atMs - admissions[first]!.atMs;
    }
    most = Math.max(most, sum);
  }
  return most;
}
