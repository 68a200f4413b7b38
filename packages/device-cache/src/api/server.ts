/** The HTTP API: what every request goes through, and where it then goes. */
import cors from '@fastify/cors';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { type IngestResult, paths } from '@breakwater/device-client/contract';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { Scope } from '../config/tokens.ts';
import { countAnswers } from './answer-counts.ts';
import type { ApiParts } from './api-parts.ts';
import { deviceRoutes } from './device-routes.ts';
import { type HandedOver, type NameRequest, readDirectly } from './direct-reads.ts';
import { sendJson } from './entity-tag.ts';
import { Idempotency } from './idempotency.ts';
import { readJsonBodies } from './json-body.ts';
import { openApiInformation } from './open-api.ts';
import { ApiError, problemOf, sendProblem } from './problems.ts';
import { requestIds } from './request-ids.ts';
import { readingRoutes } from './reading-routes.ts';
import { stateRoutes } from './state-routes.ts';
import { streamRoute } from './stream-route.ts';
import { knowAddresses, pathOf } from './unknown-address.ts';
import { validatorCompiler } from './validation.ts';

/** The API while it runs. */
export interface Api {
  /** Begins to listen; resolves to the address. */
  listen(): Promise<string>;
  /** Ends streams, lets open requests end for as long as they may, and closes. */
  close(): Promise<void>;
  /** For tests: a request without a socket. */
  readonly app: FastifyInstance;
}

/** Addresses that need no token and are not counted. */
const OPEN_PATHS: ReadonlySet<string> = new Set([paths.live, paths.ready]);
/** Addresses that need no token. */
const PUBLIC = /^\/(?:docs(?:\/|$)|v1\/openapi\.json$)/;
/**
 * Most requests have no body: a Node that knows this option makes no stream for one, and whoever waited for its end would
 * wait for ever, see {@link forgetMissingBody}.
 */
const nodeServer: ServerOptions & { readonly optimizeEmptyRequests: boolean } = { optimizeEmptyRequests: true };
/** Longer ids of devices come as far as the check that refuses them with a reason. */
const MAX_PARAMETER_LENGTH = 16_384;

export async function createApi(parts: ApiParts): Promise<Api> {
  const { configuration, clock, metrics } = parts;
  const nameRequest = requestIds();
  const handedOver: HandedOver = new WeakMap();
  const idempotency = new Idempotency<IngestResult>(clock);
  metrics.watch(idempotency.answers);
  const app = frameworkFor(parts, nameRequest);
  answerFaults(app);
  readJsonBodies(app);
  if (configuration.corsOrigins.length > 0) await app.register(cors, { origin: [...configuration.corsOrigins] });
  await app.register(swagger, { openapi: openApiInformation });
  guard(app, parts, handedOver);
  countAnswers(app, metrics.counters);
  await app.register(swaggerUi, { routePrefix: paths.docs, theme: { title: openApiInformation.info!.title } });
  let streams: { endAll(): void } = { endAll: () => undefined };
  await app.register((routes, _options, done) => {
    deviceRoutes(routes, parts, handedOver);
    readingRoutes(routes, parts, idempotency);
    stateRoutes(routes, parts);
    streams = streamRoute(routes, parts);
    routes.get(paths.openApi, { schema: { hide: true } }, (request, reply) =>
      sendJson(request, reply, JSON.stringify(app.swagger())),
    );
    done();
  });
  await app.ready();
  readDirectly(app, parts, nameRequest, handedOver);
  return {
    app,
    listen: () => app.listen({ host: configuration.host, port: configuration.port }),
    close: async () => {
      streams.endAll();
      await closeWithin(app, parts);
      await idempotency.close();
    },
  };
}

function frameworkFor({ configuration, log }: ApiParts, nameRequest: NameRequest): FastifyInstance {
  const fastifyLog: FastifyBaseLogger = log;
  const app = Fastify({
    loggerInstance: fastifyLog,
    // Who logs names the request by itself: a child of the log for each would cost more than most answers.
    childLoggerFactory: (logger) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: configuration.bodyLimitBytes,
    trustProxy: configuration.trustProxy,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    genReqId: nameRequest,
    http: nodeServer,
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void sendProblem(request, reply, error),
    clientErrorHandler: refuseConnection,
  });
  app.setValidatorCompiler(validatorCompiler as never);
  // Answers are made by us and hold fields that no schema names: the schemas are for the documentation.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  return app;
}

/** Whatever goes wrong is answered with a problem. */
function answerFaults(app: FastifyInstance): void {
  const unknownAddress = knowAddresses(app);
  app.setErrorHandler((error, request, reply) => {
    const told = sendProblem(request, reply, request.is404 ? unknownAddress(request, reply, error) : error);
    if (reply.statusCode >= 500) request.log.error({ err: error, reqId: request.id }, 'a request failed');
    return told;
  });
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, unknownAddress(request, reply)));
}

/** Every request: is the service there for it, are there too many, and may it? */
function guard(app: FastifyInstance, { access, isDraining }: ApiParts, handedOver: HandedOver): void {
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    if (request.method !== 'GET') forgetMissingBody(request);
    if (OPEN_PATHS.has(pathOf(request))) return done();
    if (isDraining()) {
      void reply.header('connection', 'close');
      throw new ApiError('SHUTTING_DOWN', { retryAfterMs: 1_000 });
    }
    const { authorization } = request.headers;
    const token = access.tokenOf(authorization);
    access.admit(handedOver.get(request.raw)?.decision ?? access.count(token, request.ip), reply);
    if (access.isClosed && !PUBLIC.test(pathOf(request))) access.authorize(token, authorization, scopeOf(request));
    done();
  });
}

/**
 * What neither has a length nor comes in chunks has no body, whatever type it claims for it, and nobody is to wait for one.
 */
function forgetMissingBody({ raw: { headers } }: FastifyRequest): void {
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) {
    delete headers['content-type'];
  }
}

function scopeOf(request: FastifyRequest): Scope {
  const isQuestion = request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS';
  return isQuestion || pathOf(request) === paths.batch ? 'read' : 'write';
}

/** What is not even HTTP gets its answer from the socket. */
function refuseConnection(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const status = isTooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const told = new ApiError('INVALID_REQUEST', {
    message: isTooLarge ? 'The headers are too large' : 'That is not HTTP',
  });
  const body = JSON.stringify({ ...problemOf(told, '/', randomUUID()), status: isTooLarge ? 431 : 400 });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

async function closeWithin(app: FastifyInstance, { clock, configuration, log }: ApiParts): Promise<void> {
  const timer = clock.setTimer(configuration.shutdownTimeoutMs, () => {
    log.warn('requests that did not end in time are cut off');
    app.server.closeAllConnections();
  });
  await app.close();
  timer.cancel();
}
