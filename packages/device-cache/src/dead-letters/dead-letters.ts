/** Where bad messages go: never retried for ever, never dropped without a trace. */

/** A bad message, with all that is needed to find it, to understand it, and to send it again. */
export interface DeadLetter {
  /** Where it came from: `kafka:iot_validated_data`, `http`, `file:seed.jsonl`. */
  readonly source: string;
  /** Its partition; null where the source has none. */
  readonly partition: number | null;
  /** Its position in the source: an offset, a line, a place in a request. */
  readonly position: number;
  /** Why it is bad. */
  readonly reason: string;
  /** When that was found; ISO 8601, UTC. */
  readonly at: string;
  /** The message as it came, unchanged. */
  readonly bytes: Uint8Array;
}

/** A place for bad messages. */
export interface DeadLetters {
  /** How many were buried by this process. */
  readonly buried: number;
  /**
   * Buries letters; they are safe when the promise resolves. One that has a position of its own in its source is buried
   * once, also when it comes again after a crash.
   */
  bury(letters: readonly DeadLetter[]): Promise<void>;
  /** Somebody else may have buried letters of the same sources: what lies there is looked at again before the next one. */
  recall(): void;
  close(): Promise<void>;
}

/** Remembers, by source and partition, how far letters were buried: they come in the order of their positions. */
export class BuriedPositions {
  private readonly highest: Map<string, number> = new Map();

  /** Whether this letter lies there already. Those that came by HTTP have no position beyond their request. */
  has({ source, partition, position }: Located): boolean {
    return partition !== null && position <= (this.highest.get(keyOf(source, partition)) ?? -1);
  }

  add({ source, partition, position }: Located): void {
    if (partition === null) return;
    const key = keyOf(source, partition);
    this.highest.set(key, Math.max(position, this.highest.get(key) ?? -1));
  }
}

type Located = Pick<DeadLetter, 'source' | 'partition' | 'position'>;

const keyOf = (source: string, partition: number): string => `${source}/${partition}`;
