import { Consumer } from '@platformatic/kafka';
import { randomUUID } from 'node:crypto';

/** A dead letter as it lies in the topic. */
export interface BuriedMessage {
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Everything that lies in the topic of dead letters. */
export async function readDeadLetters(address: string, topic: string): Promise<readonly BuriedMessage[]> {
  const reader = new Consumer<Buffer, Buffer, Buffer, Buffer>({
    clientId: 'undertaker',
    groupId: randomUUID(),
    bootstrapBrokers: [address],
    autocreateTopics: true,
  });
  reader.on('error', () => undefined);
  const buried: BuriedMessage[] = [];
  try {
    const ends = (await reader.listOffsets({ topics: [topic], timestamp: -1n })).get(topic) ?? [];
    const expected = ends.reduce((sum, end) => sum + Number(end), 0);
    if (expected === 0) return buried;
    const stream = await reader.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100 });
    for await (const { value, headers } of stream) {
      const texts = [...headers].map(([name, text]) => [name.toString(), text.toString()] as const);
      buried.push({ value, headers: Object.fromEntries(texts) });
      if (buried.length === expected) break;
    }
    return buried;
  } finally {
    await reader.close(true);
  }
}
