/** The way of every message, wherever it comes from: checked, then written if it is newer, or buried if it is bad. */
import type { WallMs, Clock } from 'breakwater/clock';
import type { DeadLetter, DeadLetters } from '../dead-letters/dead-letters.ts';
import type { FencedReading } from '../message/fence.ts';
import { type CheckedMessage, checkMessage, describeFaults, type MessageRules } from '../message/reading-message.ts';
import type { Counters } from '../metrics/counters.ts';
import type { DeviceStore } from '../store/store.ts';

/** A message with its place in its source. */
export interface SourceMessage {
  readonly bytes: Uint8Array | null;
  /** Null where the source has no partitions. */
  readonly partition: number | null;
  /** Its position there; a bad message is found again by it. */
  readonly position: number;
  /** What orders it among readings of one timestamp. */
  readonly offset: number;
}

/** What became of messages: the three numbers add up to how many there were. */
export interface IntakeResult {
  readonly stored: number;
  readonly outdated: number;
  /** Those that were bad, by their place among the messages. */
  readonly rejected: readonly { readonly place: number; readonly reason: string }[];
}

/** What an intake is made of. */
export interface IntakeParts {
  readonly store: DeviceStore;
  readonly deadLetters: DeadLetters;
  readonly counters: Counters;
  readonly clock: Clock;
  /** Asked for each batch: rules can change while the service runs. */
  readonly rules: () => MessageRules;
}

/** Takes in messages. */
export class Intake {
  private readonly parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.parts = parts;
  }

  /**
   * Takes a batch. When the promise resolves, every reading is confirmed by the store and every bad message is buried; when it
   * rejects, the whole batch may be sent again.
   */
  take(source: string, messages: readonly SourceMessage[]): Promise<IntakeResult> {
    const now = this.parts.clock.wallTime();
    const rules = this.parts.rules();
    return this.takeChecked(
      source,
      messages,
      messages.map(({ bytes, offset }) => checkMessage(bytes, offset, now, rules)),
      now,
    );
  }

  /** The source has other partitions now: others may have buried letters from them. */
  recall(): void {
    this.parts.deadLetters.recall();
  }

  /** The same for messages that were checked already. */
  async takeChecked(
    source: string,
    messages: readonly SourceMessage[],
    checked: readonly CheckedMessage[],
    now: WallMs,
  ): Promise<IntakeResult> {
    const readings: FencedReading[] = [];
    const letters: DeadLetter[] = [];
    const rejected: { place: number; reason: string }[] = [];
    for (const [place, result] of checked.entries()) {
      if ('accepted' in result) {
        readings.push(result.accepted);
        continue;
      }
      const reason = describeFaults(result.faults);
      rejected.push({ place, reason });
      letters.push(letterOf(source, messages[place]!, reason, now));
    }
    if (letters.length > 0) await this.parts.deadLetters.bury(letters);
    const outcomes = readings.length > 0 ? await this.parts.store.write(readings) : [];
    const stored = outcomes.filter((outcome) => outcome === 'stored').length;
    const result = { stored, outdated: outcomes.length - stored, rejected };
    this.count(source, result);
    return result;
  }

  private count(source: string, { stored, outdated, rejected }: IntakeResult): void {
    const { counters } = this.parts;
    counters.add('readings_total', { source, outcome: 'stored' }, stored);
    counters.add('readings_total', { source, outcome: 'outdated' }, outdated);
    counters.add('readings_total', { source, outcome: 'rejected' }, rejected.length);
  }
}

const NOTHING = new Uint8Array();

function letterOf(source: string, message: SourceMessage, reason: string, now: WallMs): DeadLetter {
  const { bytes, partition, position } = message;
  return { source, partition, position, reason, at: new Date(now).toISOString(), bytes: bytes ?? NOTHING };
}
