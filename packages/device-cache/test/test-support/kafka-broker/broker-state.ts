import { ConsumerGroup } from './consumer-group.ts';
import { PartitionLog } from './partition-log.ts';

/** The id of the one node that there is. */
export const NODE = 0;

/** What the broker keeps, also while it is shut: topics with their records, groups with their offsets. */
export class BrokerState {
  /** Where it listens; known once it has. */
  port: number = 0;
  readonly topics: Map<string, PartitionLog[]> = new Map();
  readonly groups: Map<string, ConsumerGroup> = new Map();
  readonly defaultPartitions: number;
  private producers: bigint = 0n;

  constructor(defaultPartitions: number) {
    this.defaultPartitions = defaultPartitions;
  }

  createTopic(name: string, partitions: number = this.defaultPartitions): void {
    if (!this.topics.has(name))
      this.topics.set(
        name,
        Array.from({ length: partitions }, () => new PartitionLog()),
      );
  }

  log(topic: string, partition: number): PartitionLog | undefined {
    return this.topics.get(topic)?.[partition];
  }

  group(id: string): ConsumerGroup {
    let group = this.groups.get(id);
    if (group === undefined) this.groups.set(id, (group = new ConsumerGroup()));
    return group;
  }

  nextProducer(): bigint {
    return this.producers++;
  }
}
