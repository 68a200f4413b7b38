import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';

/** What the OpenAPI document says beside the routes. */

export const openApiInformation: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: 'Breakwater device cache',
    description:
      'The latest readings and the metadata of devices. Every error is a problem by RFC 9457 with a stable `code`. JSON is kept as it was sent or refused: whole numbers that a double would round, keys called `__proto__` and what is nested too deeply are refused.',
    version: '1',
  },
  components: {
    securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Needed where the service has tokens' } },
  },
  security: [{ token: [] }, {}],
  tags: [
    { name: 'devices', description: 'Devices and their latest readings' },
    { name: 'readings', description: 'Readings that come in' },
    { name: 'changes', description: 'Changes as they happen' },
    { name: 'state', description: 'How the service is' },
  ],
};
