import type { BaseOptions } from '@platformatic/kafka';
import type { KafkaConfiguration } from '../config/configuration.ts';

/** What every Kafka client of the service is made with. */
export function clientOptions(configuration: KafkaConfiguration, clientId: string): BaseOptions {
  const { bootstrapServers, tls, username, password, saslMechanism } = configuration;
  return {
    clientId,
    bootstrapBrokers: [...bootstrapServers],
    connectTimeout: 5_000,
    timeout: 5_000,
    // A broker that does not answer is noticed, and told in the health of the service.
    requestTimeout: 10_000,
    retries: 3,
    retryDelay: 200,
    ...(tls ? { tls: {} } : {}),
    ...(username === undefined
      ? {}
      : { sasl: { mechanism: mechanisms[saslMechanism], username, password: password ?? '' } }),
  };
}

const mechanisms = { plain: 'PLAIN', 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const;
