/** An endpoint failed, and the next one is asked. */
export interface FailoverEvent<Endpoint> {
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** What the endpoint failed with, or why its policies refused the call. */
  readonly error: unknown;
}

/** An endpoint keeps a call waiting, and the next one is asked beside. */
export interface EndpointHedgedEvent<Endpoint> {
  readonly from: Endpoint;
  readonly to: Endpoint;
}

/** An endpoint fails much more often than the others, and is asked last for a while. */
export interface EndpointEjectedEvent<Endpoint> {
  readonly endpoint: Endpoint;
  /** The ratio of its failures, 0 to 1. */
  readonly failureRatio: number;
  /** The median of that of the others. */
  readonly othersRatio: number;
  readonly ejectionMs: number;
}

/** An endpoint is asked in its turn again. */
export interface EndpointReturnedEvent<Endpoint> {
  readonly endpoint: Endpoint;
}

/** The events of {@link failover}, beside those of every pipeline. */
export interface FailoverEvents<Endpoint> {
  /** An endpoint failed, or its policies refused the call, and the next one is asked. */
  failover: FailoverEvent<Endpoint>;
  /** An endpoint keeps a call waiting, and the next one is asked beside. */
  'endpoint-hedged': EndpointHedgedEvent<Endpoint>;
  /** An endpoint fails much more often than the others, and is asked last for a while. */
  'endpoint-ejected': EndpointEjectedEvent<Endpoint>;
  /** The time of an ejection is over: the endpoint is asked in its turn again. */
  'endpoint-returned': EndpointReturnedEvent<Endpoint>;
}
