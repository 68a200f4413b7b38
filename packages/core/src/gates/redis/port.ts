/**
 * How a Redis or Valkey client enters: one function that sends a command. What else a port has is only needed for more:
 * `nodes` to scan a cluster, `subscribe` for a bus.
 */

/** Sends one command and resolves to its reply: texts as bytes, numbers, null, lists of these. */
export type RedisSend = (command: readonly (string | Uint8Array)[], route: RedisRoute) => Promise<unknown>;

/** Where a command belongs in a cluster. */
export interface RedisRoute {
  /** The first key of the command; undefined where any node will do. */
  readonly key: string | undefined;
}

/** A client of Redis or Valkey. */
export interface RedisPort {
  readonly send: RedisSend;
  /** True for a cluster: keys are asked for one by one, since they lie on different nodes. */
  readonly isCluster?: boolean;
  /** The masters of a cluster, to be scanned one after the other; default: `send` reaches all keys. */
  readonly nodes?: () => readonly RedisSend[];
  /** Calls `onMessage` at each message of a channel, on a connection of its own; resolves to what ends that. */
  readonly subscribe?: (channel: string, onMessage: (message: string) => void) => Promise<() => unknown>;
}

/** The shape that ioredis and iovalkey share, `Redis` and `Cluster` alike. */
export interface IoredisLike {
  callBuffer(command: string, ...parameters: (string | Uint8Array)[]): Promise<unknown>;
  duplicate(...parameters: never[]): IoredisLike;
  subscribe(channel: string): Promise<unknown>;
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  disconnect(): unknown;
  readonly isCluster?: boolean;
  nodes?(role: 'master'): readonly IoredisLike[];
}

/** A port for a client of ioredis or iovalkey. The client stays the caller's, to be configured and closed. */
export function ioredisPort(client: object): RedisPort {
  const redis = client as IoredisLike;
  const sendBy =
    (node: IoredisLike): RedisSend =>
    (command) =>
      node.callBuffer(...(withBuffers(command) as [string, ...(string | Uint8Array)[]]));
  const isCluster = redis.isCluster === true;
  return {
    send: sendBy(redis),
    isCluster,
    ...(isCluster ? { nodes: () => redis.nodes!('master').map(sendBy) } : {}),
    subscribe: async (channel, onMessage) => {
      const subscriber = redis.duplicate();
      // Without a listener the process would end; the bus finds out by itself.
      subscriber.on('error', () => undefined);
      subscriber.on('message', (from, message) => {
        if (from === channel) onMessage(message);
      });
      await subscriber.subscribe(channel);
      return () => subscriber.disconnect();
    },
  };
}

/** The shape of a client of node-redis (`redis` 5 or newer) that is connected. */
export interface NodeRedisLike {
  sendCommand(command: readonly (string | Uint8Array)[], options: object): Promise<unknown>;
  duplicate(): NodeRedisLike;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  destroy(): void;
}

/** The shape of a cluster of node-redis that is connected. */
export interface NodeRedisClusterLike {
  sendCommand(
    key: string | undefined,
    mayAskReplicas: boolean,
    command: readonly (string | Uint8Array)[],
    options: object,
  ): Promise<unknown>;
  readonly masters: readonly object[];
  nodeClient(node: object): NodeRedisLike | Promise<NodeRedisLike>;
  duplicate(): NodeRedisLike;
}

/** Where the clients run there is Node's Buffer, which they want bytes to be. */
interface BufferOf {
  from(bytes: ArrayBufferLike, offset: number, length: number): Uint8Array;
}

const platformBuffer = (globalThis as { readonly Buffer?: BufferOf }).Buffer;

/** The command as clients take it; most hold nothing but texts. */
function withBuffers(command: readonly (string | Uint8Array)[]): readonly (string | Uint8Array)[] {
  return command.every(isText) ? command : command.map(asBuffer);
}

const isText = (parameter: string | Uint8Array): boolean => typeof parameter === 'string';

function asBuffer(parameter: string | Uint8Array): string | Uint8Array {
  if (typeof parameter === 'string' || platformBuffer === undefined) return parameter;
  return platformBuffer.from(parameter.buffer, parameter.byteOffset, parameter.byteLength);
}

/** Blob strings come as bytes: 36 is the code of `$` in RESP. */
const blobsAsBytes: object = { typeMapping: { 36: platformBuffer } };

/** A port for a client or a cluster of node-redis, which the caller connects, configures and closes. */
export function nodeRedisPort(client: object): RedisPort {
  const redis = client as NodeRedisLike | NodeRedisClusterLike;
  return {
    ...('nodeClient' in redis ? nodeRedisCluster(redis) : { send: nodeRedisSend(redis) }),
    subscribe: async (channel, onMessage) => {
      const subscriber = redis.duplicate();
      subscriber.on('error', () => undefined);
      await subscriber.connect();
      await subscriber.subscribe(channel, onMessage);
      return () => subscriber.destroy();
    },
  };
}

function nodeRedisCluster(cluster: NodeRedisClusterLike): RedisPort {
  return {
    send: (command, { key }) => cluster.sendCommand(key, false, withBuffers(command), blobsAsBytes),
    isCluster: true,
    nodes: () =>
      cluster.masters.map((node) => async (command, route) => {
        return nodeRedisSend(await cluster.nodeClient(node))(command, route);
      }),
  };
}

const nodeRedisSend =
  (node: NodeRedisLike): RedisSend =>
  (command) =>
    node.sendCommand(withBuffers(command), blobsAsBytes);
