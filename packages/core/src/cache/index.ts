/** `breakwater/cache`: values kept in memory and in a second tier, loaded once however many ask. */
export { Cache, createCache, type CacheCloseOptions } from './cache.ts';
export type { CacheOptions, EntryOptions, GetOptions, SetOptions } from './options.ts';
export type { CacheKey } from './cache-key.ts';
export type { Loader, LoaderContext, LoadedValueOptions, StaleValue } from './loader.ts';
export type { ManyLoader, ManyValues } from './get-or-load-many.ts';
export type { KeyOf } from './wrap.ts';
export type { KeyPattern } from './scan.ts';
export type { WarmOptions, WarmProgress, WarmResult } from './warm.ts';
export type { CacheInspection } from './inspection.ts';
export type { CacheSnapshot, CacheSnapshotEntry } from './snapshot.ts';
export type { CacheStatistics } from './statistics.ts';
export type { CacheEvents } from './events.ts';
export { CacheClosedError, CacheLoadTimeoutError, CacheTimeoutError, InvalidKeyError } from './errors.ts';
export { MemoryStore } from './stores/memory/memory-store.ts';
export type { MemoryStoreStatistics } from './stores/memory/statistics.ts';
export type { MemoryBounds, MemoryStoreOptions, RemovalCause } from './stores/memory/options.ts';
export type { Eviction, EvictionPolicy, EvictionSetting } from './stores/memory/eviction.ts';
export { lru } from './stores/memory/lru.ts';
export { s3Fifo } from './stores/memory/s3-fifo.ts';
export { wTinyLfu } from './stores/memory/w-tiny-lfu.ts';
export type { Codec } from './codec/codec.ts';
export { jsonCodec } from './codec/json-codec.ts';
export { richCodec } from './codec/rich-codec.ts';
export { packCodec, type PackPort } from './codec/pack-codec.ts';
export { brotli, deflate, gzip, zstd, type Compression } from './codec/compression.ts';
export type { StandardResult, StandardSchema } from './codec/standard-schema.ts';
export type { SecondTierOptions } from './tier/options.ts';
export type { TierReading, TierRecord, TierSource, TierStore } from './tier/tier-store.ts';
export type { BusOptions, BusPort, BusSource } from './tier/bus.ts';
export { TierUnavailableError } from './tier/unavailable.ts';
export { redisBus, redisStore, type RedisStoreOptions } from './stores/redis/redis-store.ts';
export { ioredisPort, nodeRedisPort, type RedisPort, type RedisRoute, type RedisSend } from '../gates/redis/port.ts';
export { cached, type CachedOptions, type CachedPolicy } from './cached.ts';
export {
  imageCache,
  imageKey,
  type CachedImage,
  type ConvertedBytes,
  type ImageCache,
  type ImageCacheOptions,
  type ImageCacheStatistics,
  type ImageConverter,
} from './image/image-cache.ts';
export { ImageDataError, type ImageDataFault } from './image/data-url.ts';
export { diskStore, type DiskStoreOptions } from './stores/disk/disk-store.ts';
