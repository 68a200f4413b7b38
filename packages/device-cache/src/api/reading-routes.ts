import {
  IDEMPOTENCY_KEY_HEADER,
  ingestRequestSchema,
  type IngestResult,
  ingestResultSchema,
  MAX_BATCH,
  paths,
} from '@breakwater/device-client/contract';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HTTP_OFFSET } from '../message/fence.ts';
import { elementsOf } from '../message/json-elements.ts';
import { checkReading } from '../message/reading-message.ts';
import type { ApiParts } from './api-parts.ts';
import type { Idempotency } from './idempotency.ts';
import { bytesOf } from './json-body.ts';
import { ApiError } from './problems.ts';
import { responses } from './responses.ts';

/** Where readings come in that don't come by Kafka. */
export function readingRoutes(app: FastifyInstance, parts: ApiParts, idempotency: Idempotency<IngestResult>): void {
  app.post(
    paths.readings,
    {
      schema: {
        tags: ['readings'],
        summary: 'Takes one reading or up to 1,000; what is older than what is there changes nothing',
        body: ingestRequestSchema,
        response: responses({ 200: ingestResultSchema }, 409, 413, 415),
      },
      // Readings are checked one by one, so that a bad one does not turn the others away.
      validatorCompiler: () => () => true,
    },
    async (request, reply) => {
      const items = itemsOf(request.body);
      const key = request.headers[IDEMPOTENCY_KEY_HEADER];
      const client = request.headers.authorization ?? request.ip;
      const result = await idempotency.once(client, key === undefined ? undefined : String(key), request.body, () =>
        ingest(request, items, parts),
      );
      return reply.send(result);
    },
  );
}

/** One reading or a list of them; what each is, is another question. */
function itemsOf(body: unknown): readonly unknown[] {
  const items: readonly unknown[] = Array.isArray(body) ? body : [body];
  if (items.length >= 1 && items.length <= MAX_BATCH && typeof body === 'object' && body !== null) return items;
  const message = `a reading, or a list of 1 to ${MAX_BATCH}`;
  throw new ApiError('INVALID_REQUEST', {
    message: `The body must be ${message}`,
    faults: [{ path: 'body', message }],
  });
}

async function ingest(request: FastifyRequest, items: readonly unknown[], parts: ApiParts): Promise<IngestResult> {
  const now = parts.clock.wallTime();
  const rules = parts.rules();
  const checked = items.map((item) => checkReading(item, HTTP_OFFSET, now, rules));
  // What they were sent as is asked of bad ones alone.
  const written = checked.some((result) => 'faults' in result) ? writtenOf(request.body as object) : [];
  const messages = items.map((_, position) => ({
    bytes: written[position] ?? null,
    partition: null,
    position,
    offset: HTTP_OFFSET,
  }));
  const { stored, outdated, rejected } = await parts.intake.takeChecked('http', messages, checked, now);
  for (const result of checked) if ('accepted' in result) parts.nearCache.drop(result.accepted.reading.device_id);
  if (rejected.length > 0) request.log.warn({ rejected: rejected.length }, 'bad readings were sent by HTTP');
  return { stored, outdated, rejected: rejected.map(({ place, reason }) => ({ position: place, reason })) };
}

/** Each reading of a body as it was sent. */
function writtenOf(body: object): readonly Buffer[] {
  const bytes = bytesOf(body);
  if (bytes === undefined) return [];
  return Array.isArray(body) ? elementsOf(bytes) : [bytes];
}
