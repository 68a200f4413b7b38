import { BreakwaterError, type BreakwaterErrorOptions } from 'breakwater/errors';
import type { ProblemFault } from '../contract/problem.ts';

/** What is particular to one occurrence. */
export type FailureFacts = Pick<BreakwaterErrorOptions, 'cause' | 'details' | 'retryAfterMs'>;

/** The base of every error of a client, but for faults of its configuration and the reason of its caller's abort. */
export class DeviceCacheError extends BreakwaterError {}
nameError(DeviceCacheError, 'DeviceCacheError');

/** No such device is kept: it never was, it was deleted, or it has not been heard of for too long. Code `DEVICE_NOT_FOUND`, category `validation`. */
export class DeviceNotFound extends DeviceCacheError {
  readonly deviceId: string;

  constructor(deviceId: string) {
    super(`there is no device ${deviceId}`, {
      code: 'DEVICE_NOT_FOUND',
      category: 'validation',
      details: { deviceId },
    });
    this.deviceId = deviceId;
  }
}
nameError(DeviceNotFound, 'DeviceNotFound');

/**
 * What was asked can't be asked: found before it was sent, or by the service. Code `INVALID_REQUEST`, or the service's own;
 * category `validation`. `faults` lists all that is wrong.
 */
export class InvalidRequest extends DeviceCacheError {
  readonly faults: readonly ProblemFault[];

  constructor(message: string, faults: readonly ProblemFault[], code = 'INVALID_REQUEST', more: FailureFacts = {}) {
    super(message, { ...more, code, category: 'validation' });
    this.faults = faults;
  }
}
nameError(InvalidRequest, 'InvalidRequest');

/** The token or password is missing, wrong, or not enough for this. Code `UNAUTHENTICATED` or `FORBIDDEN`, category `authentication`. */
export class AccessDenied extends DeviceCacheError {
  /** The same token will be refused again. */
  readonly retryable: boolean = false;

  constructor(message: string, code: 'UNAUTHENTICATED' | 'FORBIDDEN', more: FailureFacts = {}) {
    super(message, { ...more, code, category: 'authentication' });
  }
}
nameError(AccessDenied, 'AccessDenied');

/** This client asks more than it may. Code `RATE_LIMITED`, category `rate_limit`; `retryAfterMs` says when to come back. */
export class RateLimited extends DeviceCacheError {
  constructor(message: string, more: FailureFacts = {}) {
    super(message, { ...more, code: 'RATE_LIMITED', category: 'rate_limit' });
  }
}
nameError(RateLimited, 'RateLimited');

/**
 * The service, or the Redis, can't be reached or can't answer, or is left alone since it could not. Code
 * `SERVICE_UNAVAILABLE`, category `external_service`; what it was is the cause, and `details.reason` its code.
 */
export class ServiceUnavailable extends DeviceCacheError {
  constructor(message: string, more: FailureFacts = {}) {
    super(message, { ...more, code: 'SERVICE_UNAVAILABLE', category: 'external_service' });
  }
}
nameError(ServiceUnavailable, 'ServiceUnavailable');

/** There was no answer in time. Code `DEVICE_CACHE_TIMEOUT`, category `timeout`; the time limit's own error is the cause. */
export class RequestTimedOut extends DeviceCacheError {
  constructor(message: string, more: FailureFacts = {}) {
    super(message, { ...more, code: 'DEVICE_CACHE_TIMEOUT', category: 'timeout' });
  }
}
nameError(RequestTimedOut, 'RequestTimedOut');

/** What came back is not what the contract says. Code `INVALID_RESPONSE`, category `parsing`; `faults` says where. */
export class InvalidResponse extends DeviceCacheError {
  readonly faults: readonly ProblemFault[];
  /** It would come back the same. */
  readonly retryable: boolean = false;

  constructor(message: string, faults: readonly ProblemFault[], more: FailureFacts = {}) {
    super(message, { ...more, code: 'INVALID_RESPONSE', category: 'parsing' });
    this.faults = faults;
  }
}
nameError(InvalidResponse, 'InvalidResponse');

/** A call after `close()`. Code `CLIENT_CLOSED`, category `internal`. */
export class ClientClosed extends DeviceCacheError {
  constructor() {
    super('the client is closed', { code: 'CLIENT_CLOSED', category: 'internal' });
  }
}
nameError(ClientClosed, 'ClientClosed');

/** Names a class in stacks and logs without a property on each error. */
function nameError(errorClass: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
}
