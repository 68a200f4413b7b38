import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

const JSON_TYPE = 'application/json; charset=utf-8';

/** The entity tag of a body. Weak: the same body may be sent compressed or not. */
export function entityTag(body: string): string {
  return `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}

/** Sends JSON with its tag, or 304 where the asker has it. */
export function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  body: string,
  tag: string = entityTag(body),
): FastifyReply {
  void reply.header('etag', tag).header('cache-control', 'private, no-cache');
  if (isKnown(request.headers['if-none-match'], tag)) return reply.status(304).send();
  return sendJson(reply, body);
}

/** Smaller bodies gain nothing by compression. */
const COMPRESSED_FROM = 1_024;

/** Sends JSON that is text already, compressed where that is worth it and wanted. */
export function sendJson(reply: FastifyReply, body: string): FastifyReply {
  void reply.type(JSON_TYPE);
  if (body.length < COMPRESSED_FROM) return reply.send(body);
  reply.compress(body);
  return reply;
}

function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  const opaque = tag.slice(2);
  return header.split(',').some((one) => one.trim().replace(/^W\//, '') === opaque);
}
