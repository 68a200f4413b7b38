import type { HealthLevel } from '@breakwater/device-client/contract';

/** Something that brings messages by itself: Kafka, or a file. */
export interface MessageSource {
  /** As in dead letters and metrics: `kafka:iot_validated_data`. */
  readonly name: string;
  /** How it does, and why where it is not well. */
  readonly state: { readonly status: HealthLevel; readonly message: string };
  /** Begins; a source that can't reach its server goes on trying by itself. */
  start(): Promise<void>;
  /** Ends what is under way, commits what was written, and lets go. */
  stop(): Promise<void>;
  /** How many messages of each partition are still to be written; nothing of partitions for which that is not known. */
  lag(): Promise<ReadonlyMap<number, number>>;
}
