export { failover, type EndpointState, type Failover } from './failover.ts';
export { FAILOVER_DEFAULTS, type FailoverOptions } from './options.ts';
export { NoEndpointError } from './errors.ts';
export type {
  EndpointEjectedEvent,
  EndpointHedgedEvent,
  EndpointReturnedEvent,
  FailoverEvent,
  FailoverEvents,
} from './events.ts';
export type { EndpointFunction } from './endpoint-race.ts';
