/**
 * Readings from a Kafka topic, each written before its offset is committed. While the store is away nothing is read on: the batch
 * waits, its offsets stay where they are.
 *
 * A fetch that is under way during a rebalance still brings messages of partitions that have gone to somebody else: they are
 * dropped here, and would change nothing in the store if they weren't. Where such a partition comes back, what was fetched of it
 * has a gap; so each rebalance begins a new stream.
 */
import { Consumer, type MessagesStream } from '@platformatic/kafka';
import type { HealthLevel } from '@breakwater/device-client/contract';
import type { Clock, Timer } from 'breakwater/clock';
import type { Logger } from 'pino';
import type { KafkaConfiguration } from '../config/configuration.ts';
import type { Intake, SourceMessage } from '../intake/intake.ts';
import type { MessageSource } from '../intake/message-source.ts';
import type { DeviceStore } from '../store/store.ts';
import { BatchReader } from './batch-reader.ts';
import { clientOptions } from './client-options.ts';
import { endedWithin } from './ended-within.ts';
import { type ByteConsumer, type ByteMessage, PartitionProgress, StoreMovedError } from './partition-progress.ts';

/** What a Kafka source is made of. */
export interface KafkaSourceParts {
  readonly configuration: KafkaConfiguration;
  readonly intake: Intake;
  readonly store: DeviceStore;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Waits between tries: from the first to the longest, doubling. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 3_000;

/** How long leaving the group may take; where it takes longer, the group notices after the session's timeout. */
const LEAVE_MS = 3_000;

/** How long the end of a source may take in all. What has not been committed by then is read again by whoever comes next. */
const STOP_MS = 8_000;

/** How often a source without messages asks whether the store still has what it had. */
const IDLE_CHECK_MS = 2_000;

type ByteStream = MessagesStream<Buffer, Buffer, Buffer, Buffer>;

export class KafkaSource implements MessageSource {
  readonly name: string;
  state: { readonly status: HealthLevel; readonly message: string } = { status: 'degraded', message: 'connecting' };
  private readonly parts: KafkaSourceParts;
  private readonly topic: string;
  private readonly progress: PartitionProgress;
  private consumer: ByteConsumer | undefined = undefined;
  private reader: BatchReader<ByteMessage> | undefined = undefined;
  private isStopping: boolean = false;
  private endWait: (() => void) | undefined = undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(parts: KafkaSourceParts) {
    this.parts = parts;
    this.topic = parts.configuration.topic;
    this.name = `kafka:${this.topic}`;
    const { store, log } = parts;
    this.progress = new PartitionProgress({ topic: this.topic, source: this.name, store, log });
  }

  start(): Promise<void> {
    this.running = this.run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    this.reader?.stir();
    this.endWait?.();
    const { clock, log } = this.parts;
    const hasEnded = await endedWithin(clock, STOP_MS, this.running);
    if (!hasEnded) log.warn('kafka: what was under way did not end in time, and will be read again');
  }

  async lag(): Promise<ReadonlyMap<number, number>> {
    const { consumer } = this;
    try {
      return consumer === undefined ? new Map() : await this.progress.lag(consumer);
    } catch (error) {
      this.parts.log.debug({ err: error }, 'kafka: how much is left is not known');
      return new Map();
    }
  }

  /** Connects and consumes, and begins again where that fails, until it is stopped. */
  private async run(): Promise<void> {
    for (let failures = 0; !this.isStopping;) {
      try {
        await this.connectAndConsume(() => {
          failures = 0;
        });
      } catch (error) {
        if (this.isStopping) break;
        this.become('degraded', `not connected: ${messageOf(error)}`);
        this.parts.log.warn({ err: error }, 'kafka: the connection failed; trying again');
        await this.wait(failures++);
      }
    }
    this.become('degraded', 'stopped');
  }

  private async connectAndConsume(onProgress: () => void): Promise<void> {
    const consumer = this.connect();
    this.progress.forget();
    try {
      consumer.topics.trackAll(this.topic);
      await consumer.joinGroup({});
      this.consumer = consumer;
      while (!this.isStopping) await this.consume(consumer, onProgress);
    } finally {
      this.consumer = undefined;
      await endedWithin(this.parts.clock, LEAVE_MS, consumer.close(true));
    }
  }

  private connect(): ByteConsumer {
    const { configuration, log } = this.parts;
    const rebalanceTimeout = Math.max(configuration.sessionTimeoutMs, 10_000);
    const consumer: ByteConsumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
      ...clientOptions(configuration, 'device-cache'),
      groupId: configuration.groupId,
      autocreateTopics: true,
      sessionTimeout: configuration.sessionTimeoutMs,
      rebalanceTimeout,
      // Joining is answered when all others have come, which may take as long.
      requestTimeout: rebalanceTimeout + 5_000,
      heartbeatInterval: Math.min(3_000, Math.floor(configuration.sessionTimeoutMs / 3)),
    });
    consumer.on('error', (error: unknown) => log.debug({ err: error }, 'kafka'));
    consumer.on('consumer:group:join', () => {
      // Others may have written these partitions meanwhile: where they stand is asked before the next batch.
      this.progress.forget();
      this.parts.intake.recall();
      this.reader?.stir();
    });
    return consumer;
  }

  /** Reads from where the store stands, until a rebalance, or until it stands elsewhere, or this source is stopped. */
  private async consume(consumer: ByteConsumer, onProgress: () => void): Promise<void> {
    await this.untilDone(() => this.progress.agree(consumer));
    if (this.isStopping) return;
    const stream = await consumer.consume({
      topics: [this.topic],
      mode: 'committed',
      fallbackMode: 'earliest',
      autocommit: false,
      maxWaitTime: 500,
      highWaterMark: this.parts.configuration.batchSize * 2,
    });
    const reader = new BatchReader<ByteMessage>(stream, this.parts.configuration.batchSize);
    this.reader = reader;
    this.become('healthy', 'reading');
    let idleTimer = this.ringIn(IDLE_CHECK_MS, reader);
    try {
      while (!this.isStopping) {
        const batch = await reader.next();
        // What was fetched before a rebalance may lack what was dropped meanwhile: it is fetched again from what is committed.
        if (!this.progress.isKnown) return;
        if (this.isStopping) return;
        if (batch.length > 0) await this.untilDone(() => this.take(consumer, batch));
        else await this.untilDone(() => this.progress.check());
        onProgress();
        idleTimer.cancel();
        idleTimer = this.ringIn(IDLE_CHECK_MS, reader);
      }
    } catch (error) {
      if (!(error instanceof StoreMovedError)) throw error;
      this.parts.log.warn('the store is not where it was: reading again from where it stands');
      this.progress.forget();
    } finally {
      idleTimer.cancel();
      this.reader = undefined;
      await this.closeStream(stream);
    }
  }

  /** Writes a batch, then notes it, then commits. */
  private async take(consumer: ByteConsumer, batch: readonly ByteMessage[]): Promise<void> {
    const assigned = this.progress.assigned(consumer);
    const own = batch.filter(({ topic, partition }) => topic === this.topic && assigned.has(partition));
    if (own.length === 0) return;
    await this.parts.intake.take(this.name, own.map(sourceMessageOf));
    await this.progress.note(consumer, own);
  }

  /** What can't be closed in an orderly way is closed by force. */
  private async closeStream(stream: ByteStream): Promise<void> {
    const hasClosed = await endedWithin(this.parts.clock, LEAVE_MS, stream.close());
    if (!hasClosed || !stream.closed) stream.destroy();
  }

  /** Tries until it is done, while the store or the dead letters are away; undefined where the service stops before. */
  private async untilDone<T>(work: () => Promise<T>): Promise<T | undefined> {
    for (let failures = 0; !this.isStopping; failures++) {
      try {
        const result = await work();
        if (failures > 0) this.become('healthy', 'reading');
        return result;
      } catch (error) {
        if ((error as { readonly code?: unknown }).code !== 'STORE_UNAVAILABLE') throw error;
        this.become('degraded', `waiting: ${messageOf(error)}`);
        if (failures === 0) this.parts.log.warn({ err: error }, 'kafka: waiting for the store');
        await this.wait(failures);
      }
    }
    return undefined;
  }

  private become(status: HealthLevel, message: string): void {
    this.state = { status, message };
  }

  private ringIn(ms: number, reader: BatchReader<ByteMessage>): Timer {
    return this.parts.clock.setTimer(ms, () => reader.stir(), true);
  }

  private wait(failures: number): Promise<void> {
    return new Promise((resolve) => {
      const ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
      const timer = this.parts.clock.setTimer(ms, resolve);
      this.endWait = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

function sourceMessageOf({ value, partition, offset }: ByteMessage): SourceMessage {
  return { bytes: value ?? null, partition, position: Number(offset), offset: Number(offset) };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
