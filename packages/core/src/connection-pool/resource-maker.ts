import type { Clock } from '../clock/clock.ts';
import { timeoutQueueOf, type TimeoutLane } from '../clock/timeout-queue.ts';
import type { Resolved } from '../options/resolve.ts';
import { ResourceTimeoutError } from './errors.ts';
import type { ConnectionPoolOptions, connectionPoolDefaults } from './options.ts';
import { Limit, withinTime } from './timed.ts';

export type PoolSettings<Resource> = Resolved<ConnectionPoolOptions<Resource>, typeof connectionPoolDefaults>;

/** Who is told what comes of a making. */
interface MakerHost<Resource> {
  /** A resource is there; calls `whenLost` at once, or later, when it dies by itself. */
  made(resource: Resource, startedAt: number, watch: (whenLost: (error: unknown) => void) => void): void;
  notMade(error: unknown): void;
  /** A making that took too long does not keep its place any more. */
  placeIsFree(): void;
  notDestroyed(error: unknown): void;
}

/** Calls the user's functions that make, check and end a resource, each within its time. */
export class ResourceMaker<Resource> {
  /** How many are in the making. */
  creating = 0;
  /** Makings that took too long and have not ended: each may still give a resource. */
  strays = 0;
  private readonly settings: PoolSettings<Resource>;
  private readonly clock: Clock;
  private readonly host: MakerHost<Resource>;
  private readonly controllers: Set<AbortController> = new Set();

  constructor(settings: PoolSettings<Resource>, clock: Clock, host: MakerHost<Resource>) {
    this.settings = settings;
    this.clock = clock;
    this.host = host;
  }

  make(): void {
    const { name, create, createTimeoutMs } = this.settings;
    const controller = new AbortController();
    const startedAt = this.clock.now();
    const life = new Life();
    let freeStray: (() => void) | undefined;
    this.creating++;
    this.controllers.add(controller);
    withinTime(
      this.lane(createTimeoutMs),
      () => create({ signal: controller.signal, lost: (error) => life.end(error) }),
      () => {
        const error = new ResourceTimeoutError(name, 'create', createTimeoutMs);
        freeStray = this.keepPlace();
        controller.abort(error);
        return error;
      },
      (resource) => {
        if (resource === undefined) freeStray!();
        else void this.destroy(resource).then(freeStray);
      },
    ).then(
      (resource) => {
        this.ended(controller);
        this.host.made(resource, startedAt, (whenLost) => life.watch(whenLost));
      },
      (error: unknown) => {
        this.ended(controller);
        this.host.notMade(error);
      },
    );
  }

  /** Whether a resource is well; rejects when its check fails or takes too long. */
  check(resource: Resource): Promise<boolean> {
    const { name, validate, validateTimeoutMs } = this.settings;
    return withinTime(
      this.lane(validateTimeoutMs),
      () => validate!(resource),
      () => new ResourceTimeoutError(name, 'validate', validateTimeoutMs),
    );
  }

  /** Ends a resource; resolves, never rejects, when that is over or has taken too long. */
  async destroy(resource: Resource): Promise<void> {
    const { name, destroy, destroyTimeoutMs } = this.settings;
    if (destroy === undefined) return;
    try {
      await withinTime(
        this.lane(destroyTimeoutMs),
        () => destroy(resource),
        () => new ResourceTimeoutError(name, 'destroy', destroyTimeoutMs),
      );
    } catch (error) {
      this.host.notDestroyed(error);
    }
  }

  /** Tells what is in the making that it is not wanted any more. */
  abort(): void {
    for (const controller of this.controllers) controller.abort();
  }

  lane(durationMs: number): TimeoutLane {
    return timeoutQueueOf(this.clock).lane(durationMs);
  }

  private ended(controller: AbortController): void {
    this.creating--;
    this.controllers.delete(controller);
  }

  /** Keeps the place of a making that took too long, until it has ended or `destroyTimeoutMs` more have passed. */
  private keepPlace(): () => void {
    this.strays++;
    let kept = true;
    const free = (): void => {
      if (!kept) return;
      kept = false;
      limit.end();
      this.strays--;
      this.host.placeIsFree();
    };
    const limit = new Limit(this.lane(this.settings.destroyTimeoutMs), free);
    return free;
  }
}

/** Whether a resource still lives; it may die before anybody can be told. */
class Life {
  private death: { readonly error: unknown } | undefined = undefined;
  private whenLost: ((error: unknown) => void) | undefined = undefined;

  end(error: unknown): void {
    if (this.death !== undefined) return;
    this.death = { error };
    this.whenLost?.(error);
  }

  watch(whenLost: (error: unknown) => void): void {
    this.whenLost = whenLost;
    if (this.death !== undefined) whenLost(this.death.error);
  }
}
