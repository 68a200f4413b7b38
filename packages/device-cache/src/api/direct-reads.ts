/**
 * The question that is asked thousands of times a second, for one device, is answered here, before the framework takes the
 * request up: at that rate the framework's own work would be a large part of the cost. Whatever is not plainly this question,
 * or has no plain answer, is handed over to the framework with what is known already; its answers are the same, header for
 * header.
 */
import { DEVICE_ID_PATTERN, paths } from '@breakwater/device-client/contract';
import type { RateLimitDecision } from 'breakwater/rate-limit';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ReadyDevice } from '../near-cache/near-cache.ts';
import { remainingOf } from './access.ts';
import { AnswerCount } from './answer-counts.ts';
import type { ApiParts } from './api-parts.ts';
import { codingFor } from './content-coding.ts';
import { CACHE_CONTROL, isKnown, isWorthCompressing, JSON_TYPE, VARY } from './entity-tag.ts';

/** What was found out about a request before the framework took it up. */
export interface Beforehand {
  /** It was counted. */
  readonly decision: RateLimitDecision;
  /** The device was looked for. */
  readonly device?: Promise<ReadyDevice | null>;
}

export type HandedOver = WeakMap<IncomingMessage, Beforehand>;

/** Gives a request its id: the one that it has brought, or a new one. */
export type NameRequest = (request: IncomingMessage) => string;

/** Puts the direct way before the framework. */
export function readDirectly(app: FastifyInstance, parts: ApiParts, names: NameRequest, handedOver: HandedOver): void {
  // What browsers of other origins are told is the framework's to say.
  if (parts.configuration.corsOrigins.length > 0) return;
  const { server } = app;
  const [framework] = server.listeners('request') as [RequestListener];
  const reads = new DirectReads(parts, names, handedOver, framework);
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => reads.take(request, response));
}

const BEGINNING = paths.device.replace(':id', '');
/** No character of an id stands for another in an address. */
const ID = new RegExp(DEVICE_ID_PATTERN);

class DirectReads {
  private readonly parts: ApiParts;
  private readonly names: NameRequest;
  private readonly handedOver: HandedOver;
  private readonly framework: RequestListener;
  private readonly found: AnswerCount;
  private readonly unchanged: AnswerCount;

  constructor(parts: ApiParts, names: NameRequest, handedOver: HandedOver, framework: RequestListener) {
    this.parts = parts;
    this.names = names;
    this.handedOver = handedOver;
    this.framework = framework;
    this.found = new AnswerCount(parts.metrics.counters, 'GET', paths.device, 200);
    this.unchanged = new AnswerCount(parts.metrics.counters, 'GET', paths.device, 304);
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    const id = this.idIn(request);
    if (id === undefined) return this.framework(request, response);
    const { access, clock, configuration, nearCache } = this.parts;
    const token = access.tokenOf(request.headers.authorization);
    // Behind a proxy the framework finds out from where a request has come.
    const isAnonymous = token === undefined && configuration.trustProxy;
    if (isAnonymous || !access.isAllowed(token, 'read')) return this.framework(request, response);
    const begunAt = clock.now();
    const decision = access.count(token, request.socket.remoteAddress ?? '');
    if (!decision.allowed) return this.handOver(request, response, { decision });
    const present = nearCache.getIfPresent(id);
    if (present !== undefined) return this.answer(request, response, { decision, device: present, begunAt });
    const loading = nearCache.get(id);
    const handOver = (): void => this.handOver(request, response, { decision, device: loading });
    loading.then((loaded) => {
      if (loaded === null) handOver();
      else this.answer(request, response, { decision, device: loaded, begunAt });
    }, handOver);
  }

  /** The id of the device that is plainly asked for. */
  private idIn({ method, url = '' }: IncomingMessage): string | undefined {
    if (method !== 'GET' || !url.startsWith(BEGINNING) || this.parts.isDraining()) return undefined;
    const id = url.slice(BEGINNING.length);
    return ID.test(id) ? id : undefined;
  }

  private handOver(request: IncomingMessage, response: ServerResponse, beforehand: Beforehand): void {
    this.handedOver.set(request, beforehand);
    this.framework(request, response);
  }

  private answer(request: IncomingMessage, response: ServerResponse, { decision, device, begunAt }: Found): void {
    const { access, clock } = this.parts;
    const { body, bytes, tag } = device;
    // Names and values in turn: nothing has to be put together from them but the answer itself.
    const headers = ['x-request-id', this.names(request), 'ratelimit-policy', access.policy];
    headers.push('ratelimit', remainingOf(decision), 'etag', tag, 'cache-control', CACHE_CONTROL);
    if (isKnown(request.headers['if-none-match'], tag)) {
      response.writeHead(304, headers).end();
      return this.unchanged.add(clock.now() - begunAt);
    }
    headers.push('content-type', JSON_TYPE);
    const isLong = isWorthCompressing(body);
    if (isLong) headers.push('vary', VARY);
    const coding = isLong ? codingFor(request.headers['accept-encoding']) : undefined;
    if (coding === undefined) return this.send(response, headers, body, bytes, begunAt);
    headers.push('content-encoding', coding);
    device.forms.get(coding).then(
      (packed) => this.send(response, headers, packed, String(packed.length), begunAt),
      () => this.handOver(request, response, { decision, device: Promise.resolve(device) }),
    );
  }

  private send(
    response: ServerResponse,
    headers: string[],
    body: string | Buffer,
    bytes: string,
    begunAt: number,
  ): void {
    headers.push('content-length', bytes);
    response.writeHead(200, headers).end(body);
    this.found.add(this.parts.clock.now() - begunAt);
  }
}

/** A device that is to be told. */
interface Found {
  readonly decision: RateLimitDecision;
  readonly device: ReadyDevice;
  /** When the request was taken up. */
  readonly begunAt: number;
}
