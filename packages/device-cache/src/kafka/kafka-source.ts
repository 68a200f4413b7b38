/**
 * Readings from a Kafka topic, each written before its offset is committed.
 *
 * The store itself notes how far each partition was written, and says when that is not what it was: then it has lost what it
 * had, and the partition is read again from where the store stands. Kafka's committed offsets follow the store, never the
 * other way round. While the store is away nothing is read on: the batch waits, its offsets stay where they are.
 *
 * A fetch that is under way during a rebalance still brings messages of partitions that have gone to somebody else: they are
 * dropped here, and would change nothing in the store if they weren't.
 */
import { Consumer, type Message, type MessagesStream } from '@platformatic/kafka';
import type { HealthLevel } from '@breakwater/device-client/contract';
import type { Clock, Timer } from 'breakwater/clock';
import type { Logger } from 'pino';
import type { KafkaConfiguration } from '../config/configuration.ts';
import type { Intake, SourceMessage } from '../intake/intake.ts';
import type { MessageSource } from '../intake/message-source.ts';
import type { DeviceStore, ProgressStep } from '../store/store.ts';
import { BatchReader } from './batch-reader.ts';
import { clientOptions } from './client-options.ts';

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

/** How often a source without messages asks whether the store still has what it had. */
const IDLE_CHECK_MS = 2_000;

type ByteConsumer = Consumer<Buffer, Buffer, Buffer, Buffer>;
type ByteMessage = Message<Buffer, Buffer, Buffer, Buffer>;
type ByteStream = MessagesStream<Buffer, Buffer, Buffer, Buffer>;

/** The store stands elsewhere than this source believed. */
class StoreMovedError extends Error {}

export class KafkaSource implements MessageSource {
  readonly name: string;
  state: { readonly status: HealthLevel; readonly message: string } = { status: 'degraded', message: 'connecting' };
  private readonly parts: KafkaSourceParts;
  private readonly topic: string;
  /** By partition: what the store has noted. Undefined before it was asked, after a rebalance. */
  private noted: Map<number, number> | undefined = undefined;
  private reader: BatchReader<ByteMessage> | undefined = undefined;
  private isStopping: boolean = false;
  private endWait: (() => void) | undefined = undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(parts: KafkaSourceParts) {
    this.parts = parts;
    this.topic = parts.configuration.topic;
    this.name = `kafka:${this.topic}`;
  }

  start(): Promise<void> {
    this.running = this.run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    this.reader?.stir();
    this.endWait?.();
    await this.running;
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
    this.noted = undefined;
    try {
      consumer.topics.trackAll(this.topic);
      await consumer.joinGroup({});
      while (!this.isStopping) await this.consume(consumer, onProgress);
    } finally {
      await close(consumer);
    }
  }

  private connect(): ByteConsumer {
    const { configuration, log } = this.parts;
    const consumer: ByteConsumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
      ...clientOptions(configuration, 'device-cache'),
      groupId: configuration.groupId,
      autocreateTopics: true,
      sessionTimeout: configuration.sessionTimeoutMs,
      rebalanceTimeout: Math.max(configuration.sessionTimeoutMs, 10_000),
      heartbeatInterval: Math.min(3_000, Math.floor(configuration.sessionTimeoutMs / 3)),
    });
    consumer.on('error', (error: unknown) => log.debug({ err: error }, 'kafka'));
    consumer.on('consumer:group:join', () => {
      // Others may have written these partitions meanwhile: where they stand is asked before the next batch.
      this.noted = undefined;
      this.parts.intake.recall();
      this.reader?.stir();
    });
    return consumer;
  }

  /** Reads from where the store stands, until that is no longer where this source believed, or it is stopped. */
  private async consume(consumer: ByteConsumer, onProgress: () => void): Promise<void> {
    await this.untilDone(() => this.agree(consumer));
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
        if (this.noted === undefined && (await this.untilDone(() => this.agree(consumer))) === true) return;
        if (this.isStopping) return;
        if (batch.length > 0) await this.untilDone(() => this.take(consumer, batch));
        else await this.untilDone(() => this.checkNoted());
        onProgress();
        idleTimer.cancel();
        idleTimer = this.ringIn(IDLE_CHECK_MS, reader);
      }
    } catch (error) {
      if (!(error instanceof StoreMovedError)) throw error;
      this.parts.log.warn('the store is not where it was: reading again from where it stands');
      this.noted = undefined;
    } finally {
      idleTimer.cancel();
      this.reader = undefined;
      await closeStream(stream);
    }
  }

  /** Writes a batch, then notes it, then commits. */
  private async take(consumer: ByteConsumer, batch: readonly ByteMessage[]): Promise<void> {
    const assigned = this.assigned(consumer);
    const own = batch.filter(({ topic, partition }) => topic === this.topic && assigned.has(partition));
    if (own.length === 0) return;
    await this.parts.intake.take(this.name, own.map(sourceMessageOf));
    const noted = this.noted;
    // A rebalance came meanwhile: whoever has the partitions now reads these messages again, and writes nothing new.
    if (noted === undefined) return;
    const steps = stepsOf(own, noted);
    if (!(await this.parts.store.advance(this.name, steps))) throw new StoreMovedError();
    for (const { partition, to } of steps) noted.set(partition, to);
    await this.commit(consumer, steps);
  }

  /** A commit that fails is made good by the next one; the store knows better anyway. */
  private async commit(consumer: ByteConsumer, steps: readonly ProgressStep[]): Promise<void> {
    const assigned = this.assigned(consumer);
    const offsets = steps
      .filter(({ partition }) => assigned.has(partition))
      .map(({ partition, to }) => ({ topic: this.topic, partition, offset: BigInt(to), leaderEpoch: -1 }));
    if (offsets.length === 0) return;
    try {
      await consumer.commit({ offsets });
    } catch (error) {
      this.parts.log.debug({ err: error }, 'kafka: a commit failed');
    }
  }

  /**
   * Makes Kafka's committed offsets those of the store, where they are ahead of it. Resolves to whether any had to be moved: what
   * was fetched already is then not what has to come next.
   */
  private async agree(consumer: ByteConsumer): Promise<boolean> {
    const partitions = [...this.assigned(consumer)];
    const progress = await this.parts.store.progress(this.name);
    const noted = new Map([...progress].filter(([partition]) => partitions.includes(partition)));
    const behind = partitions.length === 0 ? [] : await this.behind(consumer, partitions, noted);
    if (behind.length > 0) {
      const leaderEpoch = -1;
      const offsets = behind.map(({ partition, offset }) => ({ topic: this.topic, partition, offset, leaderEpoch }));
      await consumer.commit({ offsets });
      this.parts.log.warn(
        { partitions: behind.map(({ partition }) => partition) },
        'the store is behind: reading again',
      );
    }
    this.noted = noted;
    return behind.length > 0;
  }

  /** Partitions whose committed offset is ahead of the store, with where the store stands: where it knows nothing, at the beginning. */
  private async behind(consumer: ByteConsumer, partitions: readonly number[], noted: ReadonlyMap<number, number>) {
    const committed = await consumer.listCommittedOffsets({
      topics: [{ topic: this.topic, partitions: [...partitions] }],
    });
    const earliest = await consumer.listOffsets({ topics: [this.topic], timestamp: -2n });
    return partitions.flatMap((partition) => {
      const first = earliest.get(this.topic)?.[partition] ?? 0n;
      const stands = committed.get(this.topic)?.[partition] ?? -1n;
      const at = noted.get(partition);
      const offset = at === undefined || BigInt(at) < first ? first : BigInt(at);
      return stands > offset ? [{ partition, offset }] : [];
    });
  }

  /** Nothing has come for a while: does the store still have what it had? */
  private async checkNoted(): Promise<void> {
    const progress = await this.parts.store.progress(this.name);
    const hasLost = [...(this.noted ?? [])].some(([partition, at]) => progress.get(partition) !== at);
    if (hasLost) throw new StoreMovedError();
  }

  private assigned(consumer: ByteConsumer): ReadonlySet<number> {
    const partitions = consumer.assignments?.find(({ topic }) => topic === this.topic)?.partitions ?? [];
    return new Set(partitions);
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

/** How far each partition of a batch has come. */
function stepsOf(batch: readonly ByteMessage[], noted: ReadonlyMap<number, number>): readonly ProgressStep[] {
  const ends = new Map<number, number>();
  for (const { partition, offset } of batch)
    ends.set(partition, Math.max(Number(offset) + 1, ends.get(partition) ?? 0));
  return [...ends].map(([partition, to]) => ({ partition, from: noted.get(partition), to }));
}

/** What can't be closed in an orderly way is closed by force. */
async function close(consumer: ByteConsumer): Promise<void> {
  try {
    await consumer.close(true);
  } catch {
    // The connection is gone, and with it what was to be closed.
  }
}

async function closeStream(stream: ByteStream): Promise<void> {
  try {
    await stream.close();
  } catch {
    stream.destroy();
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
