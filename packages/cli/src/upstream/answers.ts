import type { IncomingMessage, ServerResponse } from 'node:http';
import { cardFor } from './card.ts';
import type { ReceivedCall } from './call-key.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

/** The ways in which a call ends on the wire. Each returns the status that was sent, or null where none was. */

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): number {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': JSON_TYPE, 'content-length': body.length, ...headers });
  response.end(body);
  return status;
}

export function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  headers?: Record<string, string>,
): number {
  return sendJson(response, status, { error: { status, message } }, headers);
}

/** Retry-After knows whole seconds only, so it is rounded up; retry-after-ms says it exactly. */
export function sendLimited(response: ServerResponse, retryAfterMs: number): number {
  return sendError(response, 429, 'too many requests', {
    'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))),
    'retry-after-ms': String(Math.ceil(retryAfterMs)),
  });
}

export function cutConnection(request: IncomingMessage): null {
  request.socket.resetAndDestroy();
  return null;
}

export function sendCard(response: ServerResponse, call: ReceivedCall): number {
  return sendJson(response, 200, cardOf(call));
}

/** Promises the whole card, sends half of it, and cuts the connection once that half is out. */
export function sendHalf(response: ServerResponse, call: ReceivedCall): number {
  const body = Buffer.from(JSON.stringify(cardOf(call)));
  response.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': body.length });
  response.write(body.subarray(0, body.length >> 1), () => response.socket?.destroy());
  return 200;
}

/** A complete response whose text stops in the middle of the JSON, as if a proxy had truncated it. */
export function sendBadJson(response: ServerResponse, call: ReceivedCall): number {
  const body = Buffer.from(JSON.stringify(cardOf(call)).slice(0, -2));
  response.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': body.length });
  response.end(body);
  return 200;
}

function cardOf(call: ReceivedCall): unknown {
  return cardFor(call.target, call.body, call.idempotencyKey);
}
