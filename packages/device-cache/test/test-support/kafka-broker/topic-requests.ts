/** Requests for topics: which there are, and new ones. */
import type { Api } from './api.ts';
import { type BrokerState, NODE } from './broker-state.ts';
import { errorCodes } from './error-codes.ts';
import { type WireReader, WireWriter } from './wire.ts';

export function topicApis(state: BrokerState): readonly Api[] {
  return [
    { key: 3, min: 4, max: 4, answer: (request) => metadata(state, request) },
    { key: 19, min: 2, max: 2, answer: (request) => createTopics(state, request) },
  ];
}

function metadata(state: BrokerState, request: WireReader): WireWriter {
  const asked = request.nullableArray(() => request.string());
  const mayCreate = request.int8() !== 0;
  if (mayCreate) for (const name of asked ?? []) state.createTopic(name);
  const names = asked ?? [...state.topics.keys()];
  const answer = new WireWriter().int32(0);
  answer.array([NODE], (node) => answer.int32(node).string('127.0.0.1').int32(state.port).string(null));
  answer.string('in-process').int32(NODE);
  return answer.array(names, (name) => {
    const logs = state.topics.get(name);
    answer
      .int16(logs === undefined ? errorCodes.unknownTopicOrPartition : errorCodes.none)
      .string(name)
      .int8(0);
    answer.array([...(logs ?? []).keys()], (partition) => {
      answer.int16(errorCodes.none).int32(partition).int32(NODE);
      answer.array([NODE], (node) => answer.int32(node)).array([NODE], (node) => answer.int32(node));
    });
  });
}

function createTopics(state: BrokerState, request: WireReader): WireWriter {
  const topics = request.array(() => {
    const topic = { name: request.string(), partitions: request.int32() };
    request.int16();
    request.array(() => [request.int32(), request.array(() => request.int32())]);
    request.array(() => [request.string(), request.nullableString()]);
    return topic;
  });
  const answer = new WireWriter().int32(0);
  return answer.array(topics, ({ name, partitions }) => {
    const error = state.topics.has(name) ? errorCodes.topicAlreadyExists : errorCodes.none;
    state.createTopic(name, partitions > 0 ? partitions : state.defaultPartitions);
    answer.string(name).int16(error).string(null);
  });
}
