/** What is said at addresses where there is nothing, and of methods that an address does not know. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from './problems.ts';

/** Which problem an unknown address is; `before` is what went wrong before that was noticed. */
export type UnknownAddress = (request: FastifyRequest, reply: FastifyReply, before?: unknown) => unknown;

/** What goes before: who may not ask, or asks too often, is not told what there is. */
const FIRST: ReadonlySet<unknown> = new Set(['UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED', 'SHUTTING_DOWN']);

/** Notes the addresses of all routes from now on; an address that is known by other methods is told which. */
export function knowAddresses(app: FastifyInstance): UnknownAddress {
  const addresses = new Map<string, KnownAddress>();
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return;
    const known = addresses.get(url) ?? { pattern: patternOf(url), methods: [] };
    known.methods.push(...[method].flat());
    addresses.set(url, known);
  });
  return (request, reply, before) => {
    // Where there is nothing, it doesn't matter what was sent there.
    if (FIRST.has((before as { readonly code?: unknown } | undefined)?.code)) return before;
    const path = pathOf(request);
    const methods = [...addresses.values()].filter(({ pattern }) => pattern.test(path)).flatMap((one) => one.methods);
    if (methods.length === 0) return new ApiError('NOT_FOUND');
    void reply.header('allow', [...new Set(methods)].join(', '));
    return new ApiError('METHOD_NOT_ALLOWED');
  };
}

interface KnownAddress {
  readonly pattern: RegExp;
  readonly methods: string[];
}

const patternOf = (url: string): RegExp => new RegExp(`^${url.replace(/:\w+/, '[^/]+')}$`);

/** The address without its query. */
export function pathOf({ url }: FastifyRequest): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
