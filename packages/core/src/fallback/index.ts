export {
  fallback,
  type Fallback,
  type FallbackEvent,
  type FallbackEvents,
  type FallbackFunction,
  type FallbackOptions,
} from './fallback.ts';
