import type { FastifyInstance } from 'fastify';
import { parseExactJson } from '../message/exact-json.ts';
import { ApiError } from './problems.ts';

/** Bodies as they came, by what was read from them. */
const asSent: WeakMap<object, Buffer> = new WeakMap();

/** A body as it was sent, of what it was read as. */
export const bytesOf = (body: object): Buffer | undefined => asSent.get(body);

/** Reads bodies as JSON that is kept exactly or refused, and nothing else as a body at all. */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      return done(new ApiError('UNSUPPORTED_MEDIA_TYPE', { message: 'Bodies are not taken compressed' }));
    }
    const charset = /charset=["']?([^\s;"']+)/i.exec(request.headers['content-type'] ?? '')?.[1];
    if (charset !== undefined && charset.toLowerCase() !== 'utf-8') {
      return done(new ApiError('UNSUPPORTED_MEDIA_TYPE', { message: 'Bodies are taken as UTF-8 alone' }));
    }
    const parsed = parseExactJson(body as Buffer);
    if ('value' in parsed) {
      if (typeof parsed.value === 'object' && parsed.value !== null) asSent.set(parsed.value, body as Buffer);
      return done(null, parsed.value);
    }
    const { at, reason } = parsed.fault;
    const path = `body${at.replaceAll('/', '.')}`;
    done(new ApiError('INVALID_REQUEST', { message: `The body is ${reason}`, faults: [{ path, message: reason }] }));
  });
}
