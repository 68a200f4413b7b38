import { TimeoutEntry, type TimeoutLane } from '../clock/timeout-queue.ts';

class Deadline extends TimeoutEntry {
  private readonly expired: () => void;

  constructor(expired: () => void) {
    super();
    this.expired = expired;
  }

  override onTimeout(): void {
    this.expired();
  }
}

/** Waits for `operation` no longer than the lane says, and then calls `expired` and takes its answer. */
export function within<T>(lane: TimeoutLane, operation: Promise<T>, expired: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline = new Deadline(() => {
      try {
        resolve(expired());
      } catch (error) {
        reject(error);
      }
    });
    lane.add(deadline);
    operation.then(
      (value) => {
        lane.remove(deadline);
        resolve(value);
      },
      (error: unknown) => {
        lane.remove(deadline);
        reject(error);
      },
    );
  });
}
