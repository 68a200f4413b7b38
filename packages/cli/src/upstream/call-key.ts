import type { IncomingMessage } from 'node:http';
import { readBody } from './card.ts';
import { fnv1a } from './faults.ts';

/** What is known of a call once its body has been read, or its caller has gone. */
export interface ReceivedCall {
  readonly method: string;
  readonly target: URL;
  readonly idempotencyKey: string | null;
  readonly text: string;
  /** The text read as JSON where it is JSON. */
  readonly body: unknown;
}

export function receivedCall(request: IncomingMessage, text: string): ReceivedCall {
  const key = request.headers['idempotency-key'];
  return {
    method: request.method ?? 'GET',
    target: new URL(request.url ?? '/', 'http://upstream'),
    idempotencyKey: typeof key === 'string' && key !== '' ? key : null,
    text,
    body: readBody(text),
  };
}

/** Calls with the same key are attempts of one; without an Idempotency-Key a digest of the request stands in for it. */
export function callKey(call: ReceivedCall, keyBy: 'header' | 'request'): string {
  if (keyBy === 'header' && call.idempotencyKey !== null) return call.idempotencyKey;
  const text = `${call.method} ${call.target.pathname}${call.target.search} ${call.text}`;
  // Two hashes of 32 bits: one alone would make strangers of a million rows meet.
  return `~${hex(fnv1a(text))}${hex(fnv1a(text, 0x5bd1e995))}`;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
