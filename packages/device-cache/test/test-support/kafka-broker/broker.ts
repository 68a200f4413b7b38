/**
 * A Kafka broker in this process, for tests: one node, one listener, everything in memory, and just the requests that
 * consumers and producers send, in their last versions that are not flexible. It may stand in for Kafka because the
 * same conformance suite passes on both.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Api } from './api.ts';
import { BrokerState } from './broker-state.ts';
import { errorCodes } from './error-codes.ts';
import { groupApis } from './group-requests.ts';
import { logApis } from './log-requests.ts';
import { topicApis } from './topic-requests.ts';
import { WireReader, WireWriter } from './wire.ts';

const API_VERSIONS = 18;

export class KafkaBroker {
  private readonly state: BrokerState;
  private readonly apis: readonly Api[];
  private server: Server | undefined = undefined;
  private readonly sockets: Set<Socket> = new Set();
  private isSilent: boolean = false;

  constructor(defaultPartitions: number = 3) {
    this.state = new BrokerState(defaultPartitions);
    this.apis = [
      { key: API_VERSIONS, min: 0, max: 2, answer: (_, version) => this.apiVersions(version, errorCodes.none) },
      ...topicApis(this.state),
      ...logApis(this.state),
      ...groupApis(this.state),
    ];
  }

  static async start(defaultPartitions?: number): Promise<KafkaBroker> {
    const broker = new KafkaBroker(defaultPartitions);
    await broker.open();
    return broker;
  }

  get port(): number {
    return this.state.port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Listens, again on the same port after {@link KafkaBroker.shut}. */
  async open(): Promise<void> {
    this.server = createServer((socket) => this.serve(socket)).listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.state.port = (this.server.address() as AddressInfo).port;
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
    for (const group of this.state.groups.values()) group.close();
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
    return (this.state.topics.get(topic) ?? []).map(({ end }) => end);
  }

  committed(group: string, topic: string): readonly (bigint | undefined)[] {
    const offsets = this.state.groups.get(group)?.committed;
    return (this.state.topics.get(topic) ?? []).map((_, partition) => offsets?.get(`${topic}/${partition}`));
  }

  members(group: string): number {
    return this.state.groups.get(group)?.size ?? 0;
  }

  createTopic(name: string, partitions?: number): void {
    this.state.createTopic(name, partitions);
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

  private apiVersions(version: number, error: number): WireWriter {
    const answer = new WireWriter().int16(error);
    answer.array(this.apis, ({ key, min, max }) => answer.int16(key).int16(min).int16(max));
    return version > 0 ? answer.int32(0) : answer;
  }
}
