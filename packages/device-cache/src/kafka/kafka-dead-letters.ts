/**
 * Dead letters as messages of a topic: the original bytes as value, where they came from and why in headers. Each topic partition
 * of a source goes into one partition by its key, in the order of its offsets, so that the end of the topic says how far the
 * letters of a partition were buried: what a crash between burying and committing brings again is not buried twice.
 */
import { Producer } from '@platformatic/kafka';
import { type Clock, systemClock } from 'breakwater/clock';
import type { Logger } from 'pino';
import type { KafkaConfiguration } from '../config/configuration.ts';
import { BuriedPositions, type DeadLetter, type DeadLetters } from '../dead-letters/dead-letters.ts';
import { StoreUnavailableError } from '../store/errors.ts';
import { clientOptions } from './client-options.ts';
import { endedWithin } from './ended-within.ts';
import { surveyDeadLetters } from './dead-letter-survey.ts';

/** How long the last letters, and letting go of the broker, may take. Letters that are not confirmed by then are found again. */
const CLOSE_MS = 3_000;

type ByteProducer = Producer<Buffer, Buffer, string, string>;

export class KafkaDeadLetters implements DeadLetters {
  buried: number = 0;
  private readonly configuration: KafkaConfiguration;
  private readonly log: Logger;
  private readonly clock: Clock;
  private producer: ByteProducer | undefined = undefined;
  private positions: BuriedPositions | undefined = undefined;
  private last: Promise<void> = Promise.resolve();

  constructor(configuration: KafkaConfiguration, log: Logger, clock: Clock = systemClock) {
    this.clock = clock;
    this.configuration = configuration;
    this.log = log;
  }

  bury(letters: readonly DeadLetter[]): Promise<void> {
    const mine = this.last.then(() => this.send(letters));
    this.last = mine.catch(() => undefined);
    return mine;
  }

  recall(): void {
    this.positions = undefined;
  }

  async close(): Promise<void> {
    await endedWithin(this.clock, CLOSE_MS, this.last);
    if (this.producer !== undefined) await endedWithin(this.clock, CLOSE_MS, this.producer.close());
  }

  private async send(letters: readonly DeadLetter[]): Promise<void> {
    try {
      const positions = (this.positions ??= await this.survey());
      const fresh = letters.filter((letter) => !positions.has(letter));
      if (fresh.length === 0) return;
      this.producer ??= this.connect();
      await this.producer.send({ messages: fresh.map((letter) => this.messageOf(letter)), acks: -1 });
      for (const letter of fresh) positions.add(letter);
      this.buried += fresh.length;
    } catch (error) {
      // Whether it has arrived is not known: the end of the topic will say.
      this.positions = undefined;
      throw new StoreUnavailableError('dead letters', error);
    }
  }

  private connect(): ByteProducer {
    const producer: ByteProducer = new Producer({
      ...clientOptions(this.configuration, 'device-cache-dead-letters'),
      autocreateTopics: true,
      serializers: { headerKey: bytesOf, headerValue: bytesOf },
    });
    producer.on('error', (error: unknown) => this.log.debug({ err: error }, 'producer of dead letters'));
    return producer;
  }

  private messageOf({ source, partition, position, reason, at, bytes }: DeadLetter) {
    return {
      topic: this.configuration.errorTopic,
      key: Buffer.from(partition === null ? source : `${source}/${partition}`),
      value: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      headers: new Map(
        Object.entries({ source, partition: String(partition ?? ''), position: String(position), reason, at }),
      ),
    };
  }

  private survey(): Promise<BuriedPositions> {
    return surveyDeadLetters(this.configuration, this.clock, this.log);
  }
}

const bytesOf = (text: string | undefined): Buffer => Buffer.from(text ?? '');
