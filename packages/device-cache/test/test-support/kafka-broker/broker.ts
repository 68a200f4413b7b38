/**
 * A Kafka broker in this process, for tests: one node, one listener, everything in memory, and just the requests that
 * consumers and producers send, in their last versions that are not flexible. It may stand in for Kafka because the
 * same conformance suite passes on both.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ConsumerGroup } from './consumer-group.ts';
import { errorCodes } from './error-codes.ts';
import { PartitionLog } from './partition-log.ts';
import { WireReader, WireWriter } from './wire.ts';

/** What a request is answered with: the body, or nothing where the producer wants no answer. */
type Answer = WireWriter | undefined;

interface Api {
  readonly key: number;
  readonly min: number;
  readonly max: number;
  readonly answer: (request: WireReader, version: number) => Answer | Promise<Answer>;
}

const NODE = 0;
const API_VERSIONS = 18;

export class KafkaBroker {
  port: number = 0;
  private server: Server | undefined = undefined;
  private readonly sockets: Set<Socket> = new Set();
  private readonly topics: Map<string, PartitionLog[]> = new Map();
  private readonly groups: Map<string, ConsumerGroup> = new Map();
  private readonly defaultPartitions: number;
  private producers: bigint = 0n;
  private isSilent: boolean = false;

  constructor(defaultPartitions: number = 3) {
    this.defaultPartitions = defaultPartitions;
  }

  static async start(defaultPartitions?: number): Promise<KafkaBroker> {
    const broker = new KafkaBroker(defaultPartitions);
    await broker.open();
    return broker;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Listens, again on the same port after {@link KafkaBroker.shut}. */
  async open(): Promise<void> {
    this.server = createServer((socket) => this.serve(socket)).listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Refuses and cuts connections; what was written stays. */
  async shut(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    server.close();
    this.dropConnections();
    await once(server, 'close');
  }

  async stop(): Promise<void> {
    await this.shut();
    for (const group of this.groups.values()) group.close();
  }

  /** Cuts every connection at this moment. */
  dropConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Takes requests and answers none, as behind a network that loses everything. */
  fallSilent(): void {
    this.isSilent = true;
  }

  /** How many records each partition of a topic has. */
  ends(topic: string): readonly bigint[] {
    return (this.topics.get(topic) ?? []).map(({ end }) => end);
  }

  committed(group: string, topic: string): readonly (bigint | undefined)[] {
    const offsets = this.groups.get(group)?.committed;
    return (this.topics.get(topic) ?? []).map((_, partition) => offsets?.get(`${topic}/${partition}`));
  }

  members(group: string): number {
    return this.groups.get(group)?.size ?? 0;
  }

  createTopic(name: string, partitions: number = this.defaultPartitions): void {
    if (!this.topics.has(name))
      this.topics.set(
        name,
        Array.from({ length: partitions }, () => new PartitionLog()),
      );
  }

  // --- connections ---

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let rest = Buffer.alloc(0);
    // Answers go out in the order of the requests.
    let last: Promise<unknown> = Promise.resolve();
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const length = rest.readInt32BE(0);
        const answer = this.answer(new WireReader(rest.subarray(4, 4 + length)));
        rest = rest.subarray(4 + length);
        last = last.then(() => answer).then((bytes) => this.send(socket, bytes));
        last.catch(() => socket.destroy());
      }
    });
  }

  private send(socket: Socket, bytes: Buffer | undefined): void {
    if (bytes !== undefined && socket.writable && !this.isSilent) socket.write(bytes);
  }

  private async answer(request: WireReader): Promise<Buffer | undefined> {
    const [key, version, correlation] = [request.int16(), request.int16(), request.int32()];
    request.nullableString();
    const api = this.apis.find((one) => one.key === key);
    const isKnown = api !== undefined && version >= api.min && version <= api.max;
    if (!isKnown && key !== API_VERSIONS) throw new Error(`request ${key} version ${version} is not known here`);
    const body = isKnown ? await api.answer(request, version) : this.apiVersions(0, errorCodes.unsupportedVersion);
    if (body === undefined) return undefined;
    const bytes = new WireWriter().int32(correlation).raw(body.toBuffer()).toBuffer();
    return new WireWriter().byteString(bytes).toBuffer();
  }

  private readonly apis: readonly Api[] = [
    { key: 0, min: 3, max: 3, answer: (request) => this.produce(request) },
    { key: 1, min: 4, max: 4, answer: (request) => this.fetch(request) },
    { key: 2, min: 1, max: 1, answer: (request) => this.listOffsets(request) },
    { key: 3, min: 4, max: 4, answer: (request) => this.metadata(request) },
    { key: 8, min: 2, max: 2, answer: (request) => this.offsetCommit(request) },
    { key: 9, min: 1, max: 1, answer: (request) => this.offsetFetch(request) },
    { key: 10, min: 1, max: 1, answer: () => this.findCoordinator() },
    { key: 11, min: 2, max: 2, answer: (request) => this.joinGroup(request) },
    { key: 12, min: 1, max: 1, answer: (request) => this.heartbeat(request) },
    { key: 13, min: 1, max: 1, answer: (request) => this.leaveGroup(request) },
    { key: 14, min: 1, max: 1, answer: (request) => this.syncGroup(request) },
    { key: API_VERSIONS, min: 0, max: 2, answer: (_, version) => this.apiVersions(version, errorCodes.none) },
    { key: 19, min: 2, max: 2, answer: (request) => this.createTopics(request) },
    { key: 22, min: 1, max: 1, answer: () => this.initProducerId() },
  ];

  // --- requests ---

  private apiVersions(version: number, error: number): WireWriter {
    const answer = new WireWriter().int16(error);
    answer.array(this.apis, ({ key, min, max }) => answer.int16(key).int16(min).int16(max));
    return version > 0 ? answer.int32(0) : answer;
  }

  private metadata(request: WireReader): WireWriter {
    const asked = request.nullableArray(() => request.string());
    const mayCreate = request.int8() !== 0;
    if (mayCreate) for (const name of asked ?? []) this.createTopic(name);
    const names = asked ?? [...this.topics.keys()];
    const answer = new WireWriter().int32(0);
    answer.array([NODE], (node) => answer.int32(node).string('127.0.0.1').int32(this.port).string(null));
    answer.string('in-process').int32(NODE);
    return answer.array(names, (name) => {
      const logs = this.topics.get(name);
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

  private produce(request: WireReader): Answer {
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
        const log = this.topics.get(name)?.[partition];
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

  private async fetch(request: WireReader): Promise<WireWriter> {
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
      partitions.map(({ partition, offset }) => ({ log: this.topics.get(name)?.[partition], offset })),
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
        const log = this.topics.get(name)?.[partition];
        const isOut = log !== undefined && (offset < 0n || offset > log.end);
        const error = log === undefined ? errorCodes.unknownTopicOrPartition : isOut ? errorCodes.offsetOutOfRange : 0;
        const end = log?.end ?? -1n;
        answer.int32(partition).int16(error).int64(end).int64(end).int32(-1);
        answer.byteString(log === undefined || isOut ? Buffer.alloc(0) : log.read(offset, max));
      });
    });
  }

  private listOffsets(request: WireReader): WireWriter {
    request.int32();
    const topics = request.array(() => ({
      name: request.string(),
      partitions: request.array(() => ({ partition: request.int32(), timestamp: request.int64() })),
    }));
    const answer = new WireWriter();
    return answer.array(topics, ({ name, partitions }) => {
      answer.string(name).array(partitions, ({ partition, timestamp }) => {
        const log = this.topics.get(name)?.[partition];
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

  private offsetCommit(request: WireReader): WireWriter {
    const [id, generation, memberId] = [request.string(), request.int32(), request.string()];
    request.int64();
    const group = this.group(id);
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

  private offsetFetch(request: WireReader): WireWriter {
    const group = this.group(request.string());
    const topics = request.array(() => ({ name: request.string(), partitions: request.array(() => request.int32()) }));
    const answer = new WireWriter();
    return answer.array(topics, ({ name, partitions }) => {
      answer.string(name).array(partitions, (partition) => {
        const offset = group.committed.get(`${name}/${partition}`) ?? -1n;
        answer.int32(partition).int64(offset).string('').int16(errorCodes.none);
      });
    });
  }

  private findCoordinator(): WireWriter {
    return new WireWriter().int32(0).int16(0).string(null).int32(NODE).string('127.0.0.1').int32(this.port);
  }

  private async joinGroup(request: WireReader): Promise<WireWriter> {
    const [id, sessionTimeoutMs, rebalanceTimeoutMs] = [request.string(), request.int32(), request.int32()];
    const memberId = request.string();
    request.string();
    const protocols = request.array(() => ({ name: request.string(), metadata: request.byteString() }));
    const joined = await this.group(id).join({ memberId, sessionTimeoutMs, rebalanceTimeoutMs, protocols });
    const answer = new WireWriter().int32(0).int16(joined.error).int32(joined.generation).string(joined.protocol);
    answer.string(joined.leader).string(joined.memberId);
    return answer.array(joined.members, (member) => answer.string(member.id).byteString(member.metadata));
  }

  private async syncGroup(request: WireReader): Promise<WireWriter> {
    const [id, generation, memberId] = [request.string(), request.int32(), request.string()];
    const given = new Map(request.array(() => [request.string(), request.byteString()] as const));
    const { error, assignment } = await this.group(id).sync(memberId, generation, given);
    return new WireWriter().int32(0).int16(error).byteString(assignment);
  }

  private heartbeat(request: WireReader): WireWriter {
    const [id, generation, memberId] = [request.string(), request.int32(), request.string()];
    return new WireWriter().int32(0).int16(this.group(id).heartbeat(memberId, generation));
  }

  private leaveGroup(request: WireReader): WireWriter {
    const [id, memberId] = [request.string(), request.string()];
    return new WireWriter().int32(0).int16(this.group(id).leave(memberId));
  }

  private createTopics(request: WireReader): WireWriter {
    const topics = request.array(() => {
      const topic = { name: request.string(), partitions: request.int32() };
      request.int16();
      request.array(() => [request.int32(), request.array(() => request.int32())]);
      request.array(() => [request.string(), request.nullableString()]);
      return topic;
    });
    const answer = new WireWriter().int32(0);
    return answer.array(topics, ({ name, partitions }) => {
      const error = this.topics.has(name) ? errorCodes.topicAlreadyExists : errorCodes.none;
      this.createTopic(name, partitions > 0 ? partitions : this.defaultPartitions);
      answer.string(name).int16(error).string(null);
    });
  }

  private initProducerId(): WireWriter {
    return new WireWriter()
      .int32(0)
      .int16(0)
      .int64(this.producers++)
      .int16(0);
  }

  private group(id: string): ConsumerGroup {
    let group = this.groups.get(id);
    if (group === undefined) this.groups.set(id, (group = new ConsumerGroup()));
    return group;
  }
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
