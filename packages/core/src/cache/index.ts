/** `breakwater/cache`: values kept in memory and in a second tier, loaded once however many ask. */
export { MemoryStore, type MemoryStoreStatistics } from './stores/memory/memory-store.ts';
