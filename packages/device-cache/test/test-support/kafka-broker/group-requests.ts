/** Requests of consumer groups: who is in them, and how far they have come. */
import type { Api } from './api.ts';
import { type BrokerState, NODE } from './broker-state.ts';
import { errorCodes } from './error-codes.ts';
import { type WireReader, WireWriter } from './wire.ts';

export function groupApis(state: BrokerState): readonly Api[] {
  return [
    { key: 8, min: 2, max: 2, answer: (request) => offsetCommit(state, request) },
    { key: 9, min: 1, max: 1, answer: (request) => offsetFetch(state, request) },
    { key: 10, min: 1, max: 1, answer: () => findCoordinator(state) },
    { key: 11, min: 2, max: 2, answer: (request) => joinGroup(state, request) },
    { key: 12, min: 1, max: 1, answer: (request) => heartbeat(state, request) },
    { key: 13, min: 1, max: 1, answer: (request) => leaveGroup(state, request) },
    { key: 14, min: 1, max: 1, answer: (request) => syncGroup(state, request) },
  ];
}

function findCoordinator(state: BrokerState): WireWriter {
  return new WireWriter().int32(0).int16(0).string(null).int32(NODE).string('127.0.0.1').int32(state.port);
}

async function joinGroup(state: BrokerState, request: WireReader): Promise<WireWriter> {
  const [id, sessionTimeoutMs, rebalanceTimeoutMs] = [request.string(), request.int32(), request.int32()];
  const memberId = request.string();
  request.string();
  const protocols = request.array(() => ({ name: request.string(), metadata: request.byteString() }));
  const joined = await state.group(id).join({ memberId, sessionTimeoutMs, rebalanceTimeoutMs, protocols });
  const answer = new WireWriter().int32(0).int16(joined.error).int32(joined.generation).string(joined.protocol);
  answer.string(joined.leader).string(joined.memberId);
  return answer.array(joined.members, (member) => answer.string(member.id).byteString(member.metadata));
}

async function syncGroup(state: BrokerState, request: WireReader): Promise<WireWriter> {
  const [id, generation, memberId] = [request.string(), request.int32(), request.string()];
  const given = new Map(request.array(() => [request.string(), request.byteString()] as const));
  const { error, assignment } = await state.group(id).sync(memberId, generation, given);
  return new WireWriter().int32(0).int16(error).byteString(assignment);
}

function heartbeat(state: BrokerState, request: WireReader): WireWriter {
  const [id, generation, memberId] = [request.string(), request.int32(), request.string()];
  return new WireWriter().int32(0).int16(state.group(id).heartbeat(memberId, generation));
}

function leaveGroup(state: BrokerState, request: WireReader): WireWriter {
  const [id, memberId] = [request.string(), request.string()];
  return new WireWriter().int32(0).int16(state.group(id).leave(memberId));
}

function offsetCommit(state: BrokerState, request: WireReader): WireWriter {
  const [id, generation, memberId] = [request.string(), request.int32(), request.string()];
  request.int64();
  const group = state.group(id);
  const error = group.commitFault(memberId, generation);
  const topics = request.array(() => ({
    name: request.string(),
    partitions: request.array(() => {
      const one = { partition: request.int32(), offset: request.int64() };
      request.nullableString();
      return one;
    }),
  }));
  const answer = new WireWriter();
  return answer.array(topics, ({ name, partitions }) => {
    answer.string(name).array(partitions, ({ partition, offset }) => {
      if (error === errorCodes.none) group.committed.set(`${name}/${partition}`, offset);
      answer.int32(partition).int16(error);
    });
  });
}

function offsetFetch(state: BrokerState, request: WireReader): WireWriter {
  const group = state.group(request.string());
  const topics = request.array(() => ({ name: request.string(), partitions: request.array(() => request.int32()) }));
  const answer = new WireWriter();
  return answer.array(topics, ({ name, partitions }) => {
    answer.string(name).array(partitions, (partition) => {
      const offset = group.committed.get(`${name}/${partition}`) ?? -1n;
      answer.int32(partition).int64(offset).string('').int16(errorCodes.none);
    });
  });
}
