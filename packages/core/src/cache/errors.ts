import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';
import { withoutStack } from '../errors/rejection.ts';

/** A caller had waited for a value as long as it would. Code `CACHE_TIMEOUT`, category `timeout`. */
export class CacheTimeoutError extends BreakwaterError {
  /** How long it waited, in milliseconds. */
  readonly timeoutMs: number;

  constructor(cache: string, timeoutMs: number) {
    super(`${cache} had no value within ${timeoutMs} ms`, {
      code: 'CACHE_TIMEOUT',
      category: 'timeout',
      policy: cache,
      details: { timeoutMs },
    });
    this.timeoutMs = timeoutMs;
  }
}
nameError(CacheTimeoutError, 'CacheTimeoutError');

/** A loader took longer than `maxLoadMs`, and was aborted. Code `CACHE_LOAD_TIMEOUT`, category `timeout`. */
export class CacheLoadTimeoutError extends BreakwaterError {
  readonly maxLoadMs: number;

  constructor(cache: string, maxLoadMs: number) {
    super(`the loader of ${cache} took more than ${maxLoadMs} ms`, {
      code: 'CACHE_LOAD_TIMEOUT',
      category: 'timeout',
      policy: cache,
      details: { maxLoadMs },
    });
    this.maxLoadMs = maxLoadMs;
  }
}
nameError(CacheLoadTimeoutError, 'CacheLoadTimeoutError');

/** A key that can't be one. Code `CACHE_INVALID_KEY`, category `validation`. */
export class InvalidKeyError extends BreakwaterError {
  constructor(fault: string) {
    super(`a cache key ${fault}`, { code: 'CACHE_INVALID_KEY', category: 'validation', details: { fault } });
  }
}
nameError(InvalidKeyError, 'InvalidKeyError');

/** The cache takes no more calls that would load or store. Code `CACHE_CLOSED`, category `cache`. */
export class CacheClosedError extends BreakwaterError {
  constructor(cache: string) {
    super(`${cache} is closed`, { code: 'CACHE_CLOSED', category: 'cache', policy: cache });
  }
}
nameError(CacheClosedError, 'CacheClosedError');

/** @internal At the price of a rejection. */
export function cacheTimeout(cache: string, timeoutMs: number): CacheTimeoutError {
  return withoutStack(() => new CacheTimeoutError(cache, timeoutMs));
}
