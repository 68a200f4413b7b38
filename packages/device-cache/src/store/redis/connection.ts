/** The commands of the Redis store over a port, each with an end: a server that is stopped answers nothing, for ever. */
import type { RedisPort, RedisSend } from 'breakwater/cache';
import { type Clock, systemClock } from 'breakwater/clock';
import { pipeline, type Pipeline } from 'breakwater/pipeline';
import { timeout } from 'breakwater/timeout';
import { createHash } from 'node:crypto';
import { StoreUnavailableError } from '../errors.ts';

/** A port that can do more, where the client can. */
export interface PipeliningPort extends RedisPort {
  /** Sends a command whose reply has texts and no bytes. */
  readonly sendForTexts?: (command: readonly string[]) => Promise<unknown>;
  /** Sends many commands in one piece; each has its reply, or the error that it failed with. */
  readonly sendMany?: (commands: readonly (readonly string[])[]) => Promise<readonly unknown[]>;
}

/** Where in a call of a script its keys begin. */
const FIRST_KEY = 3;

type Reply = string | number | null | readonly Reply[];

export class RedisConnection {
  readonly port: PipeliningPort;
  /** What everything that {@link run} runs goes through. */
  readonly pipeline: Pipeline;
  private readonly hashes: Map<string, string> = new Map();

  constructor(port: PipeliningPort, timeoutMs: number, clock: Clock = systemClock) {
    this.port = port;
    this.pipeline = pipeline({ name: 'redis-store', clock }, timeout({ timeoutMs }));
  }

  /** Runs what sends commands, and says that the store is away where it fails or takes too long. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.pipeline.execute(work);
    } catch (error) {
      throw error instanceof StoreUnavailableError ? error : this.unavailable(error);
    }
  }

  unavailable(cause: unknown): StoreUnavailableError {
    return new StoreUnavailableError('redis', cause);
  }

  async send(command: readonly string[], key: string | undefined): Promise<Reply> {
    return decoded(await this.port.send(command, { key }));
  }

  /** Runs a script by its hash, and whole where the server doesn't know it yet. */
  script(text: string, keys: readonly string[], parameters: readonly string[]): Promise<Reply> {
    return this.runCall(text, this.callOf(text, keys, parameters));
  }

  /** The same for a script whose reply has texts and no bytes. */
  async scriptForTexts(text: string, keys: readonly string[], parameters: readonly string[]): Promise<Reply> {
    const { sendForTexts } = this.port;
    if (sendForTexts === undefined) return this.script(text, keys, parameters);
    const call = this.callOf(text, keys, parameters);
    try {
      return (await sendForTexts(call)) as Reply;
    } catch (error) {
      return this.again(error as Error, text, call);
    }
  }

  /** A call of a script, to be run by {@link runCalls}. */
  callOf(text: string, keys: readonly string[], ...parameters: readonly (readonly string[])[]): readonly string[] {
    return ['EVALSHA', this.hashOf(text), String(keys.length)].concat(keys, ...parameters);
  }

  /** Runs calls of one script, in one piece where the port can; the replies come in their order. */
  async runCalls(text: string, calls: readonly (readonly string[])[]): Promise<readonly Reply[]> {
    const { sendMany } = this.port;
    if (sendMany === undefined) return Promise.all(calls.map((call) => this.runCall(text, call)));
    const replies = await sendMany(calls);
    const outcomes: Reply[] = [];
    for (const [at, reply] of replies.entries()) {
      outcomes.push(reply instanceof Error ? await this.again(reply, text, calls[at]!) : decoded(reply));
    }
    return outcomes;
  }

  private async runCall(text: string, call: readonly string[]): Promise<Reply> {
    try {
      return await this.send(call, call[FIRST_KEY]);
    } catch (error) {
      return this.again(error as Error, text, call);
    }
  }

  /** The script whole, where the server doesn't know it yet. */
  private again(error: Error, text: string, call: readonly string[]): Promise<Reply> {
    if (!error.message.includes('NOSCRIPT')) throw error;
    return this.send(['EVAL', text, ...call.slice(2)], call[FIRST_KEY]);
  }

  /** What sends to each node that holds keys. */
  nodes(): readonly RedisSend[] {
    return this.port.nodes?.() ?? [this.port.send];
  }

  private hashOf(text: string): string {
    let hash = this.hashes.get(text);
    if (hash === undefined) {
      hash = createHash('sha1').update(text).digest('hex');
      this.hashes.set(text, hash);
    }
    return hash;
  }
}

/** A reply with its bytes as text. */
function decoded(reply: unknown): Reply {
  if (reply instanceof Uint8Array) return Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength).toString();
  if (Array.isArray(reply)) return reply.map(decoded);
  return reply as Reply;
}

/** A reply that is a list of texts. Pairs come as lists of two from servers that speak RESP3: they are laid out flat. */
export function texts(reply: unknown): readonly string[] {
  return Array.isArray(reply) ? reply.flat().map(String) : [];
}
