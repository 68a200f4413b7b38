import type { Token } from './tokens.ts';

/** All that the service can be told. */
export interface Configuration {
  readonly api: {
    /** Where it listens; default `127.0.0.1`. */
    readonly host: string;
    /** Default 8080; 0 takes any free port. */
    readonly port: number;
    /** The largest body that is read, in bytes; default 1,048,576. */
    readonly bodyLimitBytes: number;
    /** Origins whose pages may read answers; default none: CORS is off. */
    readonly corsOrigins: readonly string[];
    /** Whether `X-Forwarded-For` says who a client is; only behind a proxy that sets it. Default false. */
    readonly trustProxy: boolean;
    /** How many requests a client may make in a period; default 6,000 a minute. */
    readonly rateLimit: number;
    readonly rateLimitPeriodMs: number;
    /** Who may do what; without tokens everybody may do everything. */
    readonly tokens: readonly Token[];
    /** How many streams of changes may be open; default 1,000. */
    readonly maxStreams: number;
    /** How long open requests may take to end at shutdown, in milliseconds; default 10,000. */
    readonly shutdownTimeoutMs: number;
  };
  readonly store: {
    /** The file of the embedded store; default `data/devices.sqlite`. */
    readonly path: string;
    /** How long a device is kept that is not heard of, in seconds; default 86,400. */
    readonly ttlSeconds: number;
    /** How many devices are kept ready to be sent; default 10,000. */
    readonly nearCacheEntries: number;
  };
  /** Undefined: the embedded store. */
  readonly redis: RedisConfiguration | undefined;
  /** Undefined: readings come by HTTP alone. */
  readonly kafka: KafkaConfiguration | undefined;
  readonly messages: {
    /** How far in the future a timestamp may lie, in milliseconds; default 300,000. */
    readonly maxSkewMs: number;
    /** How many bytes a message may have; default 262,144. */
    readonly maxBytes: number;
    /** Where bad messages go that have no topic; default `data/iot_errors.jsonl`. */
    readonly deadLetterFile: string;
    /** A file of readings, one JSON object a line, that is read at the start; default none. */
    readonly seedFile: string | undefined;
  };
  readonly log: { readonly level: LogLevel };
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Where the Redis or Valkey is. */
export interface RedisConfiguration {
  /** One server; `rediss:` for TLS. */
  readonly url: string;
  /** Nodes of a cluster, `host:port`; then `url` only says user, password and TLS. */
  readonly clusterNodes: readonly string[];
  /** Stands before every key; default nothing. */
  readonly keyPrefix: string;
  /** Whether ids stand in braces in keys; default: in a cluster. */
  readonly hashTags: boolean | undefined;
  /** After how long a Redis that doesn't answer counts as away, in milliseconds; default 5,000. */
  readonly timeoutMs: number;
}

/** Where Kafka is and what is read there. */
export interface KafkaConfiguration {
  readonly bootstrapServers: readonly string[];
  /** Default `iot_validated_data`. */
  readonly topic: string;
  /** Where bad messages go; default `iot_errors`. Empty: into the file. */
  readonly errorTopic: string;
  /** Default `cache_service_group`. */
  readonly groupId: string;
  /** How many messages are written at a time at most; default 500. */
  readonly batchSize: number;
  readonly sessionTimeoutMs: number;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Default `plain`. */
  readonly saslMechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
}
