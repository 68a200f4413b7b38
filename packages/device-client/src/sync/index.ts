/** `@breakwater/device-client/sync`: for scripts, calls that give their answer at once and not a promise. */
export { SyncDeviceCacheClient, type SyncClientOptions } from './sync-client.ts';
export type { SyncTarget } from './sync-protocol.ts';
