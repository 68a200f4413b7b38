/** Requests for records: writing them, reading them, finding where they are. */
import type { Answer, Api } from './api.ts';
import type { BrokerState } from './broker-state.ts';
import { errorCodes } from './error-codes.ts';
import type { PartitionLog } from './partition-log.ts';
import { type WireReader, WireWriter } from './wire.ts';

export function logApis(state: BrokerState): readonly Api[] {
  return [
    { key: 0, min: 3, max: 3, answer: (request) => produce(state, request) },
    { key: 1, min: 4, max: 4, answer: (request) => fetchRecords(state, request) },
    { key: 2, min: 1, max: 1, answer: (request) => listOffsets(state, request) },
    { key: 22, min: 1, max: 1, answer: () => initProducerId(state) },
  ];
}

function produce(state: BrokerState, request: WireReader): Answer {
  request.nullableString();
  const acks = request.int16();
  request.int32();
  const answer = new WireWriter();
  const topics = request.array(() => ({
    name: request.string(),
    partitions: request.array(() => ({ partition: request.int32(), records: request.byteString() })),
  }));
  answer.array(topics, ({ name, partitions }) => {
    answer.string(name).array(partitions, ({ partition, records }) => {
      const log = state.log(name, partition);
      const error = log === undefined ? errorCodes.unknownTopicOrPartition : errorCodes.none;
      answer
        .int32(partition)
        .int16(error)
        .int64(log?.append(records) ?? -1n)
        .int64(-1n);
    });
  });
  return acks === 0 ? undefined : answer.int32(0);
}

async function fetchRecords(state: BrokerState, request: WireReader): Promise<WireWriter> {
  request.int32();
  const maxWaitMs = request.int32();
  request.int32();
  request.int32();
  request.int8();
  const topics = request.array(() => ({
    name: request.string(),
    partitions: request.array(() => ({ partition: request.int32(), offset: request.int64(), max: request.int32() })),
  }));
  const logs = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partition, offset }) => ({ log: state.log(name, partition), offset })),
  );
  // What is wrong is answered at once, as what is there is.
  const hasAnswer = logs.some(({ log, offset }) => log === undefined || offset !== log.end);
  if (!hasAnswer)
    await appended(
      logs.flatMap(({ log }) => log ?? []),
      maxWaitMs,
    );
  const answer = new WireWriter().int32(0);
  return answer.array(topics, ({ name, partitions }) => {
    answer.string(name).array(partitions, ({ partition, offset, max }) => {
      const log = state.log(name, partition);
      const isOut = log !== undefined && (offset < 0n || offset > log.end);
      const error = log === undefined ? errorCodes.unknownTopicOrPartition : isOut ? errorCodes.offsetOutOfRange : 0;
      const end = log?.end ?? -1n;
      answer.int32(partition).int16(error).int64(end).int64(end).int32(-1);
      answer.byteString(log === undefined || isOut ? Buffer.alloc(0) : log.read(offset, max));
    });
  });
}

/** Resolves when something is appended to one of the logs, or the time is over. */
function appended(logs: readonly PartitionLog[], maxWaitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      for (const stop of stops) stop();
      resolve();
    };
    const timer = setTimeout(settle, maxWaitMs);
    const stops = logs.map((log) => log.onAppend(settle));
  });
}

function listOffsets(state: BrokerState, request: WireReader): WireWriter {
  request.int32();
  const topics = request.array(() => ({
    name: request.string(),
    partitions: request.array(() => ({ partition: request.int32(), timestamp: request.int64() })),
  }));
  const answer = new WireWriter();
  return answer.array(topics, ({ name, partitions }) => {
    answer.string(name).array(partitions, ({ partition, timestamp }) => {
      const log = state.log(name, partition);
      const error = log === undefined ? errorCodes.unknownTopicOrPartition : errorCodes.none;
      const offset = timestamp === -1n ? log?.end : timestamp === -2n ? 0n : log?.offsetAt(timestamp);
      answer
        .int32(partition)
        .int16(error)
        .int64(-1n)
        .int64(offset ?? -1n);
    });
  });
}

function initProducerId(state: BrokerState): WireWriter {
  return new WireWriter().int32(0).int16(0).int64(state.nextProducer()).int16(0);
}
