/** The paths of the service; `:id` stands for the id of a device. */
export const paths: Readonly<
  Record<
    | 'readings'
    | 'devices'
    | 'device'
    | 'deviceReadings'
    | 'batch'
    | 'cacheInfo'
    | 'stream'
    | 'health'
    | 'live'
    | 'ready'
    | 'metrics'
    | 'openApi'
    | 'docs',
    string
  >
> = Object.freeze({
  readings: '/v1/readings',
  devices: '/v1/devices',
  device: '/v1/devices/:id',
  deviceReadings: '/v1/devices/:id/readings',
  batch: '/v1/devices/batch',
  cacheInfo: '/v1/cache/info',
  stream: '/v1/stream',
  health: '/v1/health',
  live: '/livez',
  ready: '/readyz',
  metrics: '/metrics',
  openApi: '/v1/openapi.json',
  docs: '/docs',
});

/** The path of one device, or of its readings. */
export const devicePath = (path: string, id: string): string => path.replace(':id', encodeURIComponent(id));
