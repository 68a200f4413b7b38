import { TimeoutEntry, type TimeoutLane } from '../clock/timeout-queue.ts';

/** Calls back once, unless it is ended before. */
export class Limit extends TimeoutEntry {
  private readonly lane: TimeoutLane;
  private readonly expired: () => void;

  constructor(lane: TimeoutLane, expired: () => void) {
    super();
    this.lane = lane;
    this.expired = expired;
    lane.add(this);
  }

  end(): void {
    this.lane.remove(this);
  }

  override onTimeout(): void {
    this.expired();
  }
}

/**
 * Settles as `work` does, or rejects with what `late` gives when the time is up. `work` goes on then; `afterwards` is
 * told when it has ended too, with what it gave, undefined when it failed.
 */
export function withinTime<T>(
  lane: TimeoutLane,
  work: () => T | PromiseLike<T>,
  late: () => Error,
  afterwards?: (value: T | undefined) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let over = false;
    const limit = new Limit(lane, () => {
      over = true;
      reject(late());
    });
    const run = async (): Promise<T> => work();
    run().then(
      (value) => {
        limit.end();
        if (over) afterwards?.(value);
        else resolve(value);
      },
      (error: unknown) => {
        limit.end();
        if (over) afterwards?.(undefined);
        else reject(error);
      },
    );
  });
}
