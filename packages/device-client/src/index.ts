/** `@breakwater/device-client`: a typed, resilient client of the device-metadata cache. */
export type { CacheInfo, Device, DeviceSummary, HealthStatus, Reading } from './contract/index.ts';
