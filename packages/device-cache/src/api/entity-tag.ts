import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Coding, codingFor, packed, type PackedForms } from './content-coding.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';
/** What the form of a longer answer depends on. */
export const VARY = 'accept-encoding';
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
): FastifyReply | Promise<FastifyReply> {
  return isUnchanged(request, reply, tag) ? reply.status(304).send() : sendJson(request, reply, body);
}

/** A body that is kept, with what goes with it. */
export interface KeptBody {
  readonly body: string;
  readonly tag: string;
  readonly forms: PackedForms;
}

/** The same for a body whose compressed forms are kept. */
export function sendKept(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, tag, forms }: KeptBody,
): FastifyReply | Promise<FastifyReply> {
  if (isUnchanged(request, reply, tag)) return reply.status(304).send();
  return sendJson(request, reply, body, (coding) => forms.get(coding));
}

function isUnchanged(request: FastifyRequest, reply: FastifyReply, tag: string): boolean {
  void reply.header('etag', tag).header('cache-control', CACHE_CONTROL);
  return isKnown(request.headers['if-none-match'], tag);
}

/** Smaller bodies gain nothing by compression. */
const COMPRESSED_FROM = 1_024;

export const isWorthCompressing = (body: string): boolean => body.length >= COMPRESSED_FROM;

/** Sends JSON that is text already, compressed where that is worth it and wanted. */
export function sendJson(
  request: FastifyRequest,
  reply: FastifyReply,
  body: string,
  pack: (coding: Coding) => Promise<Buffer> = (coding) => packed(body, coding),
): FastifyReply | Promise<FastifyReply> {
  void reply.type(JSON_TYPE);
  if (!isWorthCompressing(body)) return reply.send(body);
  const others = reply.getHeader('vary');
  void reply.header('vary', others === undefined ? VARY : `${String(others)}, ${VARY}`);
  const coding = codingFor(request.headers['accept-encoding']);
  if (coding === undefined) return reply.send(body);
  return pack(coding).then((bytes) => reply.header('content-encoding', coding).send(bytes));
}

/** Whether the asker has what has this tag, by its If-None-Match. */
export function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  const opaque = tag.slice(2);
  return header.split(',').some((one) => one.trim().replace(/^W\//, '') === opaque);
}
