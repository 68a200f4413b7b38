import { describe, expect, it, vi } from 'vitest';
import { ioredisPort, nodeRedisPort } from '../../../gates/redis/port.ts';

/** What ioredis, iovalkey and node-redis have in common here: listeners, subscriptions, and what was sent. */
class Client {
  readonly sent: unknown[] = [];
  readonly duplicates: Client[] = [];
  ended = 0;
  private readonly listeners: Map<string, (...facts: never[]) => void> = new Map();
  private onMessage: ((message: string) => void) | undefined = undefined;

  on(event: string, listener: (...facts: never[]) => void): void {
    this.listeners.set(event, listener);
  }

  emit(event: string, ...facts: unknown[]): void {
    const listener = this.listeners.get(event);
    // As an emitter does with an error that nobody listens to.
    if (listener === undefined && event === 'error') throw facts[0] as Error;
    listener?.(...(facts as never[]));
  }

  duplicate(): Client {
    const duplicate = new Client();
    this.duplicates.push(duplicate);
    return duplicate;
  }

  async subscribe(channel: string, onMessage?: (message: string) => void): Promise<void> {
    this.sent.push(['SUBSCRIBE', channel]);
    this.onMessage = onMessage;
  }

  say(message: string): void {
    this.onMessage?.(message);
  }

  async callBuffer(...command: unknown[]): Promise<unknown> {
    this.sent.push(command);
    return null;
  }

  async sendCommand(command: unknown[], options: object): Promise<unknown> {
    this.sent.push(command, options);
    return null;
  }

  async connect(): Promise<void> {
    this.sent.push(['CONNECT']);
  }

  disconnect(): void {
    this.ended++;
  }

  destroy(): void {
    this.ended++;
  }
}

const bytes = Uint8Array.of(1, 2, 3);
const route = { key: undefined };

describe('a port for ioredis or iovalkey', () => {
  it('sends a command and its parameters, bytes as bytes', async () => {
    const client = new Client();
    await ioredisPort(client).send(['SET', 'a', bytes], route);
    const [[name, key, value]] = client.sent as [[string, string, Uint8Array]];
    expect([name, key, [...value]]).toEqual(['SET', 'a', [1, 2, 3]]);
  });

  it('subscribes on a connection of its own, hears its channel only, and survives its errors', async () => {
    const client = new Client();
    const heard: string[] = [];
    const end = await ioredisPort(client).subscribe!('bus', (message) => heard.push(message));
    const [subscriber] = client.duplicates as [Client];
    subscriber.emit('message', 'bus', 'one');
    subscriber.emit('message', 'other', 'two');
    subscriber.emit('error', new Error('lost'));
    end();
    expect([heard, client.ended, subscriber.ended]).toEqual([['one'], 0, 1]);
  });

  it('knows the masters of a cluster, and no nodes of a single server', async () => {
    const [cluster, one, two] = [new Client(), new Client(), new Client()];
    Object.assign(cluster, { isCluster: true, nodes: (role: string) => (role === 'master' ? [one, two] : []) });
    const port = ioredisPort(cluster);
    for (const send of port.nodes!()) await send(['PING'], route);
    expect([port.isCluster, one.sent, two.sent]).toEqual([true, [['PING']], [['PING']]]);
    expect(ioredisPort(one).nodes).toBeUndefined();
  });
});

describe('a port for node-redis', () => {
  it('sends a command and asks for texts as bytes', async () => {
    const client = new Client();
    await nodeRedisPort(client).send(['SET', 'a', bytes], route);
    const [[, , value], options] = client.sent as [unknown[], { readonly typeMapping: object }];
    expect([...(value as Uint8Array)]).toEqual([1, 2, 3]);
    expect(Object.keys(options.typeMapping)).toEqual(['36']);
  });

  it('subscribes on a connection of its own and survives its errors', async () => {
    const client = new Client();
    const heard: string[] = [];
    const end = await nodeRedisPort(client).subscribe!('bus', (message) => heard.push(message));
    const [subscriber] = client.duplicates as [Client];
    subscriber.say('one');
    subscriber.emit('error', new Error('lost'));
    end();
    expect([heard, subscriber.sent, subscriber.ended]).toEqual([['one'], [['CONNECT'], ['SUBSCRIBE', 'bus']], 1]);
  });

  it('sends a command of a cluster to the node of its key, and knows the masters', async () => {
    const [cluster, one, two] = [new Client(), new Client(), new Client()];
    const masters = [{ client: one }, { client: two }];
    Object.assign(cluster, { masters, nodeClient: async ({ client }: { readonly client: Client }) => client });
    const sent = vi.spyOn(cluster, 'sendCommand');
    const port = nodeRedisPort(cluster);
    await port.send(['GET', 'a'], { key: 'a' });
    expect((sent.mock.calls as unknown[][])[0]!.slice(0, 3)).toEqual(['a', false, ['GET', 'a']]);
    for (const send of port.nodes!()) await send(['PING'], route);
    expect([port.isCluster, one.sent[0], two.sent[0]]).toEqual([true, ['PING'], ['PING']]);
    expect(nodeRedisPort(one).isCluster).toBeUndefined();
  });
});
