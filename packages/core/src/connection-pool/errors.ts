import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/** How a pool stood when it refused somebody. */
export interface PoolOccupancy {
  readonly inUse: number;
  readonly creating: number;
  readonly waiting: number;
  /** The most resources that there may be, overflow included. */
  readonly most: number;
}

/**
 * No resource became free in time. Code `POOL_TIMEOUT`, category `timeout`; `details` say how the pool stood, and the
 * cause is the last failure to create or check a resource, where there was one meanwhile.
 */
export class PoolTimeoutError extends BreakwaterError {
  constructor(pool: string, timeoutMs: number, occupancy: PoolOccupancy, cause: unknown) {
    const { inUse, creating, waiting } = occupancy;
    super(
      `no resource within ${timeoutMs} ms: ${inUse} in use, ${creating} in the making, ${waiting} waiting (${pool})`,
      {
        code: 'POOL_TIMEOUT',
        category: 'timeout',
        policy: pool,
        details: { timeoutMs, ...occupancy },
        cause,
      },
    );
  }
}
nameError(PoolTimeoutError, 'PoolTimeoutError');

/** As many wait as may. Code `POOL_FULL`, category `bulkhead`. */
export class PoolFullError extends BreakwaterError {
  constructor(pool: string, occupancy: PoolOccupancy) {
    super(`${occupancy.waiting} wait for a resource already (${pool})`, {
      code: 'POOL_FULL',
      category: 'bulkhead',
      policy: pool,
      details: { ...occupancy },
    });
  }
}
nameError(PoolFullError, 'PoolFullError');

/** The pool is closed, or was while somebody waited. Code `POOL_CLOSED`, category `internal`. */
export class PoolClosedError extends BreakwaterError {
  constructor(pool: string) {
    super(`the pool is closed (${pool})`, { code: 'POOL_CLOSED', category: 'internal', policy: pool });
  }
}
nameError(PoolClosedError, 'PoolClosedError');

/** Creating, checking or destroying a resource took too long. Code `POOL_RESOURCE_TIMEOUT`, category `timeout`. */
export class ResourceTimeoutError extends BreakwaterError {
  constructor(pool: string, what: 'create' | 'validate' | 'destroy', timeoutMs: number) {
    super(`${what} did not end within ${timeoutMs} ms (${pool})`, {
      code: 'POOL_RESOURCE_TIMEOUT',
      category: 'timeout',
      policy: pool,
      details: { what, timeoutMs },
    });
  }
}
nameError(ResourceTimeoutError, 'ResourceTimeoutError');
