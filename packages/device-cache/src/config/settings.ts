/** Every setting in one table: where it may come from, what it may be, and what it is when nobody says. */
import { count, either, flag, integer, oneOf, type Rule, text } from 'breakwater/options';

/** One setting. */
export interface Setting {
  readonly rule: Rule<unknown>;
  readonly fallback: unknown;
  /** Its name in the environment. */
  readonly env?: string;
  /** Its name among the arguments. */
  readonly argument?: string;
  /** What it is for, for `--help`. */
  readonly help?: string;
  /** How a text becomes its value; default: the text itself. */
  readonly parse?: (text: string) => unknown;
  /** Shown as `[redacted]`. */
  readonly isSecret?: boolean;
  /** Takes effect at SIGHUP; the others need a restart. */
  readonly isLive?: boolean;
}

const listOfTexts: Rule<readonly string[]> = {
  expected: 'a list of texts that are not empty',
  accepts: (value): value is readonly string[] =>
    Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry !== ''),
};

const redisUrl: Rule<string> = {
  expected: 'an address such as redis://localhost:6379/0',
  accepts: (value): value is string =>
    typeof value === 'string' && /^rediss?:\/\/[^\s]+$/.test(value) && URL.canParse(value),
};

const anyText: Rule<string> = { expected: 'a text', accepts: (value): value is string => typeof value === 'string' };
const port = integer(0, 65_535);
const asNumber = (given: string): unknown => (given.trim() === '' ? given : Number(given));
const asFlag = (given: string): unknown => (given === 'true' ? true : given === 'false' ? false : given);
const asList = (given: string): unknown => given.split(',').map((entry) => entry.trim());

/** By their paths in a file. */
export const settings: Readonly<Record<string, Setting>> = Object.freeze({
  'api.host': { rule: text(), fallback: '127.0.0.1', env: 'API_HOST', argument: '--host', help: 'where to listen' },
  'api.port': {
    rule: port,
    fallback: 8080,
    env: 'API_PORT',
    argument: '--port',
    help: 'the port; 0 for any',
    parse: asNumber,
  },
  'api.bodyLimitBytes': {
    rule: integer(1_024, 104_857_600),
    fallback: 1_048_576,
    env: 'API_BODY_LIMIT',
    parse: asNumber,
  },
  'api.corsOrigins': { rule: listOfTexts, fallback: [], env: 'API_CORS_ORIGINS', parse: asList },
  'api.trustProxy': { rule: flag(), fallback: false, env: 'API_TRUST_PROXY', parse: asFlag },
  'api.rateLimit': {
    rule: integer(1, 1_000_000),
    fallback: 6_000,
    env: 'API_RATE_LIMIT',
    parse: asNumber,
    isLive: true,
  },
  'api.rateLimitPeriodMs': {
    rule: integer(1_000, 86_400_000),
    fallback: 60_000,
    env: 'API_RATE_LIMIT_PERIOD_MS',
    parse: asNumber,
    isLive: true,
  },
  'api.maxStreams': { rule: count(1), fallback: 1_000, env: 'API_MAX_STREAMS', parse: asNumber },
  'api.shutdownTimeoutMs': {
    rule: integer(0, 600_000),
    fallback: 10_000,
    env: 'API_SHUTDOWN_TIMEOUT_MS',
    parse: asNumber,
  },
  'store.path': {
    rule: text(),
    fallback: 'data/devices.sqlite',
    env: 'STORE_PATH',
    argument: '--store',
    help: 'the file of the embedded store',
  },
  'store.ttlSeconds': {
    rule: integer(1, 31_536_000),
    fallback: 86_400,
    env: 'REDIS_METADATA_TTL',
    parse: asNumber,
    isLive: true,
  },
  'store.nearCacheEntries': {
    rule: integer(1, 10_000_000),
    fallback: 10_000,
    env: 'NEAR_CACHE_ENTRIES',
    parse: asNumber,
  },
  'redis.url': {
    rule: redisUrl,
    fallback: undefined,
    env: 'REDIS_URL',
    argument: '--redis',
    help: 'keep devices in this Redis',
    isSecret: true,
  },
  'redis.host': { rule: text(), fallback: undefined, env: 'REDIS_HOST' },
  'redis.port': { rule: integer(1, 65_535), fallback: 6_379, env: 'REDIS_PORT', parse: asNumber },
  'redis.db': { rule: integer(0, 1_000_000), fallback: 0, env: 'REDIS_DB', parse: asNumber },
  'redis.password': { rule: text(), fallback: undefined, env: 'REDIS_PASSWORD', isSecret: true },
  'redis.clusterNodes': { rule: listOfTexts, fallback: [], env: 'REDIS_CLUSTER_NODES', parse: asList },
  'redis.keyPrefix': { rule: anyText, fallback: '', env: 'REDIS_KEY_PREFIX' },
  'redis.hashTags': { rule: flag(), fallback: undefined, env: 'REDIS_HASH_TAGS', parse: asFlag },
  'redis.timeoutMs': { rule: integer(10, 600_000), fallback: 5_000, env: 'REDIS_TIMEOUT_MS', parse: asNumber },
  'kafka.bootstrapServers': {
    rule: listOfTexts,
    fallback: [],
    env: 'KAFKA_BOOTSTRAP_SERVERS',
    argument: '--kafka',
    help: 'read this Kafka: host:port,…',
    parse: asList,
  },
  'kafka.topic': { rule: text(), fallback: 'iot_validated_data', env: 'KAFKA_VALIDATED_DATA_TOPIC' },
  'kafka.errorTopic': { rule: anyText, fallback: 'iot_errors', env: 'KAFKA_ERROR_TOPIC' },
  'kafka.groupId': { rule: text(), fallback: 'cache_service_group', env: 'KAFKA_CONSUMER_GROUP_ID' },
  'kafka.batchSize': { rule: integer(1, 10_000), fallback: 500, env: 'KAFKA_BATCH_SIZE', parse: asNumber },
  'kafka.sessionTimeoutMs': {
    rule: integer(1_000, 1_800_000),
    fallback: 30_000,
    env: 'KAFKA_SESSION_TIMEOUT_MS',
    parse: asNumber,
  },
  'kafka.tls': { rule: flag(), fallback: false, env: 'KAFKA_TLS', parse: asFlag },
  'kafka.username': { rule: text(), fallback: undefined, env: 'KAFKA_USERNAME' },
  'kafka.password': { rule: text(), fallback: undefined, env: 'KAFKA_PASSWORD', isSecret: true },
  'kafka.saslMechanism': {
    rule: oneOf('plain', 'scram-sha-256', 'scram-sha-512'),
    fallback: 'plain',
    env: 'KAFKA_SASL_MECHANISM',
  },
  'messages.maxSkewMs': {
    rule: integer(0, 31_536_000_000),
    fallback: 300_000,
    env: 'MESSAGE_MAX_SKEW_MS',
    parse: asNumber,
    isLive: true,
  },
  'messages.maxBytes': {
    rule: integer(256, 16_777_216),
    fallback: 262_144,
    env: 'MESSAGE_MAX_BYTES',
    parse: asNumber,
    isLive: true,
  },
  'messages.deadLetterFile': { rule: text(), fallback: 'data/iot_errors.jsonl', env: 'DEAD_LETTER_FILE' },
  'messages.seedFile': {
    rule: text(),
    fallback: undefined,
    env: 'SEED_FILE',
    argument: '--seed',
    help: 'readings to begin with, JSON lines',
  },
  'log.level': {
    rule: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    fallback: 'info',
    env: 'LOG_LEVEL',
    argument: '--log-level',
    help: 'trace, debug, info, warn, error, fatal or silent',
    isLive: true,
  },
  // Checked by themselves: see tokens.ts.
  'api.tokens': {
    rule: either(listOfTexts, anyText),
    fallback: undefined,
    env: 'API_TOKENS',
    isSecret: true,
    isLive: true,
  },
  'api.tokensFile': { rule: text(), fallback: undefined, env: 'API_TOKENS_FILE', isLive: true },
});
