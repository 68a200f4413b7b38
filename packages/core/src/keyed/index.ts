export { keyed, type Keyed } from './keyed.ts';
export { KeysExhaustedError } from './errors.ts';
export type { EventsIn, KeyEvents, KeyEvictedEvent, KeyRefusedEvent } from './events.ts';
export { keyedDefaults, type KeyedOptions } from './options.ts';
