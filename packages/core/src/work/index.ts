export { parallelMap, type MapperContext, type ParallelMapOptions } from './parallel-map.ts';
export { ItemsFailedError, type FailedItem } from './errors.ts';
export type { Source } from './source-reader.ts';
