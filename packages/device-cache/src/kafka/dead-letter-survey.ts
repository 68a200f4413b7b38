/** Reads the end of the topic of dead letters: which letters lie there. */
import { Consumer } from '@platformatic/kafka';
import type { Clock } from 'breakwater/clock';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { KafkaConfiguration } from '../config/configuration.ts';
import { BuriedPositions } from '../dead-letters/dead-letters.ts';
import { clientOptions } from './client-options.ts';
import { endedWithin } from './ended-within.ts';

/** How many messages at the end of each partition are looked at: more than can be between two commits. */
const TAIL = 20_000n;

/** How long that may take; then it is tried again. */
const SURVEY_MS = 15_000;

/** How long letting go of the broker may take. */
const CLOSE_MS = 3_000;

type Reader = Consumer<Buffer, Buffer, string, string>;

/** A part of a partition that is to be read. */
interface Range {
  readonly partition: number;
  readonly from: bigint;
  readonly end: bigint;
}

export async function surveyDeadLetters(
  configuration: KafkaConfiguration,
  clock: Clock,
  log: Logger,
): Promise<BuriedPositions> {
  const { errorTopic: topic, groupId } = configuration;
  const reader: Reader = new Consumer({
    ...clientOptions(configuration, 'device-cache-dead-letters'),
    // Of its own each time: who shares a group shares its partitions, also with a member that was just killed.
    groupId: `${groupId}-dead-letters-${randomUUID()}`,
    autocreateTopics: true,
    deserializers: { headerKey: textOf, headerValue: textOf },
  });
  reader.on('error', (error: unknown) => log.debug({ err: error }, 'reader of dead letters'));
  try {
    return await readRanges(reader, topic, await tails(reader, topic), clock);
  } finally {
    await endedWithin(clock, CLOSE_MS, reader.close(true));
  }
}

async function tails(reader: Reader, topic: string): Promise<readonly Range[]> {
  const latest = (await reader.listOffsets({ topics: [topic], timestamp: -1n })).get(topic) ?? [];
  const earliest = (await reader.listOffsets({ topics: [topic], timestamp: -2n })).get(topic) ?? [];
  return latest.map((end, partition) => {
    const first = earliest[partition] ?? 0n;
    return { partition, end, from: end - TAIL > first ? end - TAIL : first };
  });
}

async function readRanges(
  reader: Reader,
  topic: string,
  ranges: readonly Range[],
  clock: Clock,
): Promise<BuriedPositions> {
  const positions = new BuriedPositions();
  const left = new Map(ranges.filter(({ from, end }) => from < end).map(({ partition, end }) => [partition, end]));
  if (left.size === 0) return positions;
  reader.topics.trackAll(topic);
  const offsets = ranges.map(({ partition, from }) => ({ topic, partition, offset: from }));
  const stream = await reader.consume({
    topics: [topic],
    mode: 'manual',
    offsets,
    autocommit: false,
    maxWaitTime: 100,
  });
  const tooLong = new Error('the end of the topic could not be read in time');
  const timer = clock.setTimer(SURVEY_MS, () => stream.destroy(tooLong));
  try {
    for await (const { headers, partition, offset } of stream) {
      const from = headers.get('partition') ?? '';
      const located = { source: headers.get('source') ?? '', partition: from === '' ? null : Number(from) };
      positions.add({ ...located, position: Number(headers.get('position')) });
      if (offset + 1n >= (left.get(partition) ?? 0n)) left.delete(partition);
      if (left.size === 0) return positions;
    }
    throw tooLong;
  } finally {
    timer.cancel();
  }
}

const textOf = (bytes: Buffer | undefined): string => bytes?.toString() ?? '';
