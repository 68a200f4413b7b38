export {
  timeout,
  timeoutDefaults,
  type Timeout,
  type TimeoutEvent,
  type TimeoutEvents,
  type TimeoutOptions,
} from './timeout.ts';
export { TimeoutError } from './errors.ts';
