import {
  type BatchRequest,
  batchRequestSchema,
  batchResultSchema,
  categoryOf,
  DEFAULT_PAGE,
  type Device,
  deviceIdSchema,
  type DeviceInput,
  deviceInputSchema,
  devicePageSchema,
  deviceSchema,
  type ListQuery,
  listQuerySchema,
  paths,
  type PutManyRequest,
  putManyRequestSchema,
  putManyResultSchema,
  readingListSchema,
  type ReadingsQuery,
  readingsQuerySchema,
  timestampMs,
} from '@breakwater/device-client/contract';
import type { FastifyInstance } from 'fastify';
import { Object as Shape } from 'typebox';
import type { ListRequest } from '../store/store.ts';
import type { ApiParts } from './api-parts.ts';
import { readCursor, writeCursor } from './cursor.ts';
import type { HandedOver } from './direct-reads.ts';
import { sendJson, sendKept, sendTagged } from './entity-tag.ts';
import { ApiError } from './problems.ts';
import { nothing, responses } from './responses.ts';

interface ById {
  readonly Params: { readonly id: string };
}

const params = Shape({ id: deviceIdSchema });
const notModified = nothing('What the asker has is still so');
const tags = ['devices'];

/** What is asked about devices, and done to them. */
export function deviceRoutes(app: FastifyInstance, parts: ApiParts, handedOver: HandedOver): void {
  deviceRoute(app, parts, handedOver);
  readingsRoute(app, parts);
  listRoute(app, parts);
  batchRoute(app, parts);
  putRoute(app, parts);
  putManyRoute(app, parts);
  deleteRoute(app, parts);
}

function deviceRoute(app: FastifyInstance, { nearCache }: ApiParts, handedOver: HandedOver): void {
  app.get<ById>(
    paths.device,
    {
      schema: {
        tags,
        summary: 'A device with its latest readings',
        params,
        response: responses({ 200: deviceSchema, 304: notModified }, 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const device = await (handedOver.get(request.raw)?.device ?? nearCache.get(id));
      if (device === null) throw notFound(id);
      return sendKept(request, reply, device);
    },
  );
}

function readingsRoute(app: FastifyInstance, { nearCache }: ApiParts): void {
  app.get<ById & { Querystring: ReadingsQuery }>(
    paths.deviceReadings,
    {
      schema: {
        tags,
        summary: 'The latest readings of a device',
        params,
        querystring: readingsQuerySchema,
        response: responses({ 200: readingListSchema, 304: notModified }, 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { category, index } = request.query;
      const ready = await nearCache.get(id);
      if (ready === null) throw notFound(id);
      const readings = (JSON.parse(ready.body) as Device).readings.filter(
        (reading) =>
          (category === undefined || categoryOf(reading) === category) &&
          (index === undefined || reading.index === index),
      );
      return sendTagged(request, reply, JSON.stringify({ deviceId: id, readings }));
    },
  );
}

function listRoute(app: FastifyInstance, { store }: ApiParts): void {
  app.get<{ Querystring: ListQuery }>(
    paths.devices,
    {
      schema: {
        tags,
        summary: 'Devices page by page, without their readings',
        querystring: listQuerySchema,
        response: responses({ 200: devicePageSchema, 304: notModified }),
      },
    },
    async (request, reply) => {
      const listRequest = listRequestOf(request.query);
      const { devices, next } = await store.list(listRequest);
      const nextCursor = next === undefined ? null : writeCursor(listRequest.sort, next);
      return sendTagged(request, reply, JSON.stringify({ devices, nextCursor }));
    },
  );
}

function batchRoute(app: FastifyInstance, { store, nearCache }: ApiParts): void {
  app.post<{ Body: BatchRequest }>(
    paths.batch,
    {
      schema: {
        tags,
        summary: 'Up to 1,000 devices at once',
        body: batchRequestSchema,
        response: responses({ 200: batchResultSchema }, 413, 415),
      },
    },
    async (request, reply) => {
      const ids = [...new Set(request.body.ids)];
      const devices = await store.getJson(ids);
      const found = devices.filter((device) => device !== undefined);
      nearCache.countReads(ids.length, found.length);
      const missing = JSON.stringify(ids.filter((_, at) => devices[at] === undefined));
      return sendJson(request, reply, `{"devices":[${found.join(',')}],"missing":${missing}}`);
    },
  );
}

function putRoute(app: FastifyInstance, { store, nearCache }: ApiParts): void {
  app.put<ById & { Body: DeviceInput }>(
    paths.device,
    {
      schema: {
        tags,
        summary: 'Replaces the metadata of a device; its readings stay',
        params,
        body: deviceInputSchema,
        response: responses({ 200: deviceSchema, 201: deviceSchema }, 413, 415),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const [before] = await store.get([id]);
      await store.put([{ id, metadata: request.body.metadata }]);
      nearCache.drop(id);
      const ready = await nearCache.get(id);
      if (ready === null) throw notFound(id);
      const status = before === undefined ? 201 : 200;
      return sendJson(request, reply.status(status).header('etag', ready.tag), ready.body);
    },
  );
}

function putManyRoute(app: FastifyInstance, { store, nearCache }: ApiParts): void {
  app.put<{ Body: PutManyRequest }>(
    paths.devices,
    {
      schema: {
        tags,
        summary: 'Replaces the metadata of up to 1,000 devices',
        body: putManyRequestSchema,
        response: responses({ 200: putManyResultSchema }, 413, 415),
      },
    },
    async (request, reply) => {
      const devices = await store.put(request.body.devices);
      for (const { id } of devices) nearCache.drop(id);
      return sendJson(request, reply, JSON.stringify({ devices }));
    },
  );
}

function deleteRoute(app: FastifyInstance, { store, nearCache }: ApiParts): void {
  app.delete<ById>(
    paths.device,
    {
      schema: {
        tags,
        summary: 'Forgets a device; readings from before do not bring it back',
        params,
        response: responses({ 204: nothing('It is gone') }, 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const existed = await store.delete(id);
      nearCache.drop(id);
      if (!existed) throw notFound(id);
      return reply.status(204).send();
    },
  );
}

function listRequestOf({
  limit = DEFAULT_PAGE,
  sort = 'id',
  cursor,
  offset,
  updatedSince,
  ...filter
}: ListQuery): ListRequest {
  if (cursor !== undefined && offset !== undefined) {
    const message = 'not together with cursor';
    throw new ApiError('INVALID_REQUEST', {
      message: `offset: ${message}`,
      faults: [{ path: 'query.offset', message }],
    });
  }
  const updatedSinceMs = updatedSince === undefined ? undefined : timestampMs(updatedSince);
  if (updatedSince !== undefined && updatedSinceMs === undefined) {
    const message = 'no date and time';
    throw new ApiError('INVALID_REQUEST', {
      message: `updatedSince: ${message}`,
      faults: [{ path: 'query.updatedSince', message }],
    });
  }
  return {
    ...filter,
    limit,
    sort,
    offset,
    updatedSinceMs,
    after: cursor === undefined ? undefined : readCursor(cursor, sort),
  };
}

function notFound(id: string): ApiError {
  return new ApiError('DEVICE_NOT_FOUND', { message: `There is no device ${id}` });
}
