export {
  clientThrottling,
  type ClientThrottledEvent,
  type ClientThrottling,
  type ClientThrottlingEvents,
} from './client-throttling.ts';
export { ClientThrottledError } from './errors.ts';
export { clientThrottlingDefaults, type ClientThrottlingOptions } from './options.ts';
export { isOverload } from '../gates/overload.ts';
