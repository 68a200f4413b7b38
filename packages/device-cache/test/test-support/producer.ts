import { type BaseOptions, Producer } from '@platformatic/kafka';

/** Sends messages keyed by device, as the normaliser does. */
export class TopicWriter {
  private readonly producer: Producer<Buffer, Buffer, Buffer, Buffer>;
  private readonly topic: string;

  /** @param more What else it needs to connect: `sasl`, `tls`. */
  constructor(address: string, topic: string, more: Partial<BaseOptions> = {}) {
    this.topic = topic;
    this.producer = new Producer({
      ...more,
      clientId: 'normaliser',
      bootstrapBrokers: [address],
      autocreateTopics: true,
      retries: 10,
      retryDelay: 100,
    });
    this.producer.on('error', () => undefined);
  }

  async send(messages: readonly { readonly key: string; readonly value: Buffer | string }[]): Promise<void> {
    await this.producer.send({
      acks: -1,
      messages: messages.map(({ key, value }) => ({
        topic: this.topic,
        key: Buffer.from(key),
        value: Buffer.from(value),
      })),
    });
  }

  async close(): Promise<void> {
    await this.producer.close(true);
  }
}
