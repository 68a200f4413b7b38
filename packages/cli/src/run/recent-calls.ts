/**
 * When the breaker of a run opens. A window in time, the library's default, suits a service; a run may make a thousand
 * calls a second or one a minute, and an outage should be seen after the same number of calls in both. So the last
 * fifty calls count, whenever they were; and when so many fail in a row that no single row can have caused it, there is
 * no need to wait until they are half of the window.
 */
import { consecutive, count, type TripRule } from 'breakwater/circuit-breaker';

const windowSize = 50;
const minThroughput = 20;

export function recentCalls(failureRatio: number, failuresInARow: number): readonly TripRule[] {
  return [count(windowSize, { failureRatio, minThroughput }), consecutive(failuresInARow)];
}
