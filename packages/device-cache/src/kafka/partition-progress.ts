/**
 * How far each partition of a topic was written. The store notes it, and says when that is not what it was: then it has lost
 * what it had, and the partition is read again from where the store stands. Kafka's committed offsets follow the store, never
 * the other way round.
 */
import type { Consumer, Message } from '@platformatic/kafka';
import type { Logger } from 'pino';
import type { DeviceStore, ProgressStep } from '../store/store.ts';

export type ByteConsumer = Consumer<Buffer, Buffer, Buffer, Buffer>;
export type ByteMessage = Message<Buffer, Buffer, Buffer, Buffer>;

/** The store stands elsewhere than its reader believed. */
export class StoreMovedError extends Error {}

/** What is noted, and where. */
export interface PartitionProgressParts {
  readonly topic: string;
  /** The name of the source, under which the store notes. */
  readonly source: string;
  readonly store: DeviceStore;
  readonly log: Logger;
}

const LATEST = -1n;
const EARLIEST = -2n;

export class PartitionProgress {
  private readonly parts: PartitionProgressParts;
  /** By partition: the first offset that is not written. Undefined before the store was asked. */
  private noted: Map<number, number> | undefined = undefined;

  constructor(parts: PartitionProgressParts) {
    this.parts = parts;
  }

  /** Whether it is known where the store stands. */
  get isKnown(): boolean {
    return this.noted !== undefined;
  }

  /** Others may write these partitions now: where the store stands has to be asked again. */
  forget(): void {
    this.noted = undefined;
  }

  /** The partitions that the group has given to this consumer. */
  assigned(consumer: ByteConsumer): ReadonlySet<number> {
    const { topic } = this.parts;
    return new Set(consumer.assignments?.find((one) => one.topic === topic)?.partitions);
  }

  /** Makes Kafka's committed offsets those of the store, where they are ahead of it. */
  async agree(consumer: ByteConsumer): Promise<void> {
    const { store, source, topic, log } = this.parts;
    const partitions = [...this.assigned(consumer)];
    const progress = await store.progress(source);
    const noted = new Map([...progress].filter(([partition]) => partitions.includes(partition)));
    const behind = partitions.length === 0 ? [] : await this.behind(consumer, partitions, noted);
    if (behind.length > 0) {
      const offsets = behind.map(({ partition, offset }) => ({ topic, partition, offset, leaderEpoch: -1 }));
      await consumer.commit({ offsets });
      log.warn({ partitions: behind.map(({ partition }) => partition) }, 'the store is behind: reading again');
    }
    this.noted = noted;
  }

  /**
   * Notes that these messages are written, and commits. Does nothing where a rebalance came meanwhile: whoever has the partitions
   * now reads them again, and writes nothing new.
   *
   * @throws StoreMovedError
   */
  async note(consumer: ByteConsumer, written: readonly ByteMessage[]): Promise<void> {
    const { noted } = this;
    if (noted === undefined) return;
    const steps = stepsOf(written, noted);
    if (!(await this.parts.store.advance(this.parts.source, steps))) throw new StoreMovedError();
    for (const { partition, to } of steps) noted.set(partition, to);
    await this.commit(consumer, steps);
  }

  /**
   * Looks whether the store still has what it had.
   *
   * @throws StoreMovedError
   */
  async check(): Promise<void> {
    const progress = await this.parts.store.progress(this.parts.source);
    const hasLost = [...(this.noted ?? [])].some(([partition, at]) => progress.get(partition) !== at);
    if (hasLost) throw new StoreMovedError();
  }

  /** How many messages of each assigned partition are not written yet. */
  async lag(consumer: ByteConsumer): Promise<ReadonlyMap<number, number>> {
    const { topic } = this.parts;
    const { noted } = this;
    if (noted === undefined) return new Map();
    const [latest, earliest] = await Promise.all([
      consumer.listOffsets({ topics: [topic], timestamp: LATEST }),
      consumer.listOffsets({ topics: [topic], timestamp: EARLIEST }),
    ]);
    return new Map(
      [...this.assigned(consumer)].map((partition) => {
        const first = Number(earliest.get(topic)?.[partition] ?? 0n);
        const end = Number(latest.get(topic)?.[partition] ?? 0n);
        return [partition, Math.max(0, end - Math.max(first, noted.get(partition) ?? 0))];
      }),
    );
  }

  /** A commit that fails is made good by the next one; the store knows better anyway. */
  private async commit(consumer: ByteConsumer, steps: readonly ProgressStep[]): Promise<void> {
    const { topic, log } = this.parts;
    const assigned = this.assigned(consumer);
    const offsets = steps
      .filter(({ partition }) => assigned.has(partition))
      .map(({ partition, to }) => ({ topic, partition, offset: BigInt(to), leaderEpoch: -1 }));
    if (offsets.length === 0) return;
    try {
      await consumer.commit({ offsets });
    } catch (error) {
      log.debug({ err: error }, 'kafka: a commit failed');
    }
  }

  /** Partitions whose committed offset is ahead of the store, with where the store stands: where it knows nothing, at the beginning. */
  private async behind(consumer: ByteConsumer, partitions: readonly number[], noted: ReadonlyMap<number, number>) {
    const { topic } = this.parts;
    const committed = await consumer.listCommittedOffsets({ topics: [{ topic, partitions: [...partitions] }] });
    const earliest = await consumer.listOffsets({ topics: [topic], timestamp: EARLIEST });
    return partitions.flatMap((partition) => {
      const first = earliest.get(topic)?.[partition] ?? 0n;
      const stands = committed.get(topic)?.[partition] ?? -1n;
      const at = noted.get(partition);
      const offset = at === undefined || BigInt(at) < first ? first : BigInt(at);
      return stands > offset ? [{ partition, offset }] : [];
    });
  }
}

/** How far each partition of a batch has come. */
function stepsOf(batch: readonly ByteMessage[], noted: ReadonlyMap<number, number>): readonly ProgressStep[] {
  const ends = new Map<number, number>();
  for (const { partition, offset } of batch)
    ends.set(partition, Math.max(Number(offset) + 1, ends.get(partition) ?? 0));
  return [...ends].map(([partition, to]) => ({ partition, from: noted.get(partition), to }));
}
