/** The commands of the Redis store over a port, each with an end: a server that is stopped answers nothing, for ever. */
import type { RedisPort, RedisSend } from 'breakwater/cache';
import { type Clock, systemClock } from 'breakwater/clock';
import { pipeline, type Pipeline } from 'breakwater/pipeline';
import { timeout } from 'breakwater/timeout';
import { createHash } from 'node:crypto';
import { StoreUnavailableError } from '../errors.ts';

/** A port that can send many commands in one piece; each has its reply, or the error that it failed with. */
export interface PipeliningPort extends RedisPort {
  readonly sendMany?: (commands: readonly (readonly string[])[]) => Promise<readonly unknown[]>;
}

/** A script's keys and parameters. */
export interface ScriptCall {
  readonly keys: readonly string[];
  readonly parameters: readonly string[];
}

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
      throw new StoreUnavailableError('redis', error);
    }
  }

  async send(command: readonly string[], key: string | undefined): Promise<Reply> {
    return decoded(await this.port.send(command, { key }));
  }

  /** Runs a script by its hash, and whole where the server doesn't know it yet. */
  async script(text: string, keys: readonly string[], parameters: readonly string[]): Promise<Reply> {
    const rest = [String(keys.length), ...keys, ...parameters];
    try {
      return await this.send(['EVALSHA', this.hashOf(text), ...rest], keys[0]);
    } catch (error) {
      if (!String((error as Error | undefined)?.message).includes('NOSCRIPT')) throw error;
      return this.send(['EVAL', text, ...rest], keys[0]);
    }
  }

  /** Runs a script many times, in one piece where the port can; the replies come in the order of the calls. */
  async scripts(text: string, calls: readonly ScriptCall[]): Promise<readonly Reply[]> {
    const { sendMany } = this.port;
    if (sendMany === undefined) {
      return Promise.all(calls.map(({ keys, parameters }) => this.script(text, keys, parameters)));
    }
    const hash = this.hashOf(text);
    const replies = await sendMany(
      calls.map(({ keys, parameters }) => ['EVALSHA', hash, String(keys.length), ...keys, ...parameters]),
    );
    const outcomes: Reply[] = [];
    for (const [at, reply] of replies.entries()) {
      outcomes.push(reply instanceof Error ? await this.again(reply, text, calls[at]!) : decoded(reply));
    }
    return outcomes;
  }

  private again(error: Error, text: string, { keys, parameters }: ScriptCall): Promise<Reply> {
    if (!error.message.includes('NOSCRIPT')) throw error;
    return this.send(['EVAL', text, String(keys.length), ...keys, ...parameters], keys[0]);
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
