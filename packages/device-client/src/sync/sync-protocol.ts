/** What the program and the worker say to each other: plain data, since objects with functions don't pass between threads. */
import { type BreakwaterErrorOptions, ConfigurationError, isBreakwaterError } from 'breakwater/errors';
import type { ProblemFault } from '../contract/problem.ts';
import {
  AccessDenied,
  ClientClosed,
  DeviceCacheError,
  DeviceNotFound,
  InvalidRequest,
  InvalidResponse,
  RateLimited,
  RequestTimedOut,
  ServiceUnavailable,
} from '../errors/errors.ts';

/** A target as it passes: without functions and connections. */
export type SyncTarget =
  | { readonly url: string; readonly token?: string | undefined }
  | { readonly connectionString: string; readonly token?: string | undefined }
  | {
      readonly host: string;
      readonly port?: number | undefined;
      readonly username?: string | undefined;
      readonly password?: string | undefined;
      readonly db?: number | undefined;
      readonly tls?: boolean | undefined;
    };

/** One thing to be done, by the client with this number. */
export type SyncRequest =
  | { readonly client: number; readonly method: 'open'; readonly parameters: readonly [SyncTarget, object] }
  | { readonly client: number; readonly method: 'getDevice' | 'listDevices'; readonly parameters: readonly unknown[] }
  | { readonly client: number; readonly method: 'close'; readonly parameters: readonly [] };

/** What came of it. */
export type SyncAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: SentError };

/** An error as it passes. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly details: unknown;
  readonly faults: unknown;
}

/** An error to be sent. */
export function sentError(error: unknown): SentError {
  const isOurs = isBreakwaterError(error);
  return {
    name: error instanceof Error ? error.name : 'Error',
    message: error instanceof Error ? error.message : String(error),
    code: isOurs ? error.code : undefined,
    retryAfterMs: isOurs ? error.retryAfterMs : undefined,
    details: isOurs ? error.details : undefined,
    faults: isOurs ? (error as { readonly faults?: unknown }).faults : undefined,
  };
}

/** The error that was sent, of its own class again; its cause stays behind. */
export function receivedError(sent: SentError): Error {
  const { name, message, code } = sent;
  const faults = (sent.faults ?? []) as readonly ProblemFault[];
  const details = sent.details as BreakwaterErrorOptions['details'];
  const more = { details, retryAfterMs: sent.retryAfterMs };
  switch (name) {
    case 'DeviceNotFound':
      return new DeviceNotFound(String(details?.['deviceId']));
    case 'InvalidRequest':
      return new InvalidRequest(message, faults, code, more);
    case 'InvalidResponse':
      return new InvalidResponse(message, faults, more);
    case 'AccessDenied':
      return new AccessDenied(message, code === 'FORBIDDEN' ? 'FORBIDDEN' : 'UNAUTHENTICATED', more);
    case 'RateLimited':
      return new RateLimited(message, more);
    case 'RequestTimedOut':
      return new RequestTimedOut(message, more);
    case 'ServiceUnavailable':
      return new ServiceUnavailable(message, more);
    case 'ClientClosed':
      return new ClientClosed();
    case 'ConfigurationError':
      return new ConfigurationError(sent.faults as ConfigurationError['faults']);
    default:
      return new DeviceCacheError(message, { ...more, code: code ?? 'INTERNAL', category: 'internal' });
  }
}
