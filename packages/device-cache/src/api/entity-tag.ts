import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

export const JSON_TYPE = 'application/json; charset=utf-8';
/** Asked again with its tag each time: what is kept may be old the next moment. */
export const CACHE_CONTROL = 'private, no-cache';

/** The entity tag of a body. Weak: the same body may be sent compressed or not. */
export function entityTag(body: string): string {
  return `W/"${hash('sha256', body, 'base64url').slice(0, 27)}"`;
}

/** Sends JSON with its tag, or 304 where the asker has it. */
export function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  body: string,
  tag: string = entityTag(body),
): FastifyReply {
  void reply.header('etag', tag).header('cache-control', CACHE_CONTROL);
  if (isKnown(request.headers['if-none-match'], tag)) return reply.status(304).send();
  return sendJson(reply, body);
}

/** Smaller bodies gain nothing by compression. */
const COMPRESSED_FROM = 1_024;

export const isWorthCompressing = (body: string): boolean => body.length >= COMPRESSED_FROM;

/** Sends JSON that is text already, compressed where that is worth it and wanted. */
export function sendJson(reply: FastifyReply, body: string): FastifyReply {
  void reply.type(JSON_TYPE);
  if (!isWorthCompressing(body)) return reply.send(body);
  reply.compress(body);
  return reply;
}

/** Whether the asker has what has this tag, by its If-None-Match. */
export function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  const opaque = tag.slice(2);
  return header.split(',').some((one) => one.trim().replace(/^W\//, '') === opaque);
}
