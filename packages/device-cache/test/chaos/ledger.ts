/** What must be true at the end, computed from the topic itself: by its own rules, not by the service's code. */
import { Consumer } from '@platformatic/kafka';
import { randomUUID } from 'node:crypto';

/** What a topic holds, told apart. */
export interface Ledger {
  /** By device and index: the value of the latest reading. */
  readonly latest: ReadonlyMap<string, unknown>;
  /** `partition/offset` of every message that is no reading. */
  readonly poison: readonly string[];
}

interface Entry {
  readonly at: number;
  readonly offset: bigint;
  readonly value: unknown;
}

/** Reads the whole topic. */
export async function readLedger(address: string, topic: string): Promise<Ledger> {
  const reader = new Consumer<Buffer, Buffer, Buffer, Buffer>({
    clientId: 'auditor',
    groupId: randomUUID(),
    bootstrapBrokers: [address],
  });
  reader.on('error', () => undefined);
  const latest = new Map<string, Entry>();
  const poison: string[] = [];
  try {
    const ends = (await reader.listOffsets({ topics: [topic], timestamp: -1n })).get(topic) ?? [];
    let left = ends.reduce((sum, end) => sum + Number(end), 0);
    const stream = await reader.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100 });
    for await (const { value, partition, offset } of stream) {
      const text = value.toString();
      if (text.startsWith('{"request_id"')) enter(latest, JSON.parse(text) as Parsed, offset);
      else poison.push(`${partition}/${offset}`);
      if (--left === 0) break;
    }
  } finally {
    await reader.close(true);
  }
  return { latest: new Map([...latest].map(([key, { value }]) => [key, value])), poison: poison.toSorted() };
}

interface Parsed {
  readonly device_id: string;
  readonly index: string;
  readonly timestamp: string;
  readonly values: readonly unknown[];
}

function enter(latest: Map<string, Entry>, message: Parsed, offset: bigint): void {
  const key = `${message.device_id}/${message.index}`;
  const known = latest.get(key);
  const at = Date.parse(message.timestamp);
  if (known !== undefined && (known.at > at || (known.at === at && known.offset > offset))) return;
  latest.set(key, { at, offset, value: message.values[0] });
}
