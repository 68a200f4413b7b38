import type { RedisPort } from './port.ts';

/**
 * Runs scripts by their hash, which the server tells, and sends the whole script where it isn't known: before the hash
 * is, after a failover, after SCRIPT FLUSH.
 */
export class ScriptRunner {
  private readonly port: RedisPort;
  private readonly hashes: Map<string, string> = new Map();
  private readonly asked: Set<string> = new Set();

  constructor(port: RedisPort) {
    this.port = port;
  }

  async run(script: string, keys: readonly string[], parameters: readonly (string | Uint8Array)[]): Promise<unknown> {
    const hash = this.hashes.get(script);
    const rest = [String(keys.length), ...keys, ...parameters];
    const route = { key: keys[0] };
    if (hash === undefined) {
      this.learn(script);
      return this.port.send(['EVAL', script, ...rest], route);
    }
    try {
      return await this.port.send(['EVALSHA', hash, ...rest], route);
    } catch (error) {
      if (!String((error as Error | undefined)?.message).includes('NOSCRIPT')) throw error;
      return this.port.send(['EVAL', script, ...rest], route);
    }
  }

  private learn(script: string): void {
    if (this.asked.has(script)) return;
    this.asked.add(script);
    this.port.send(['SCRIPT', 'LOAD', script], { key: undefined }).then(
      (hash) => this.hashes.set(script, textOf(hash)),
      // Asked again with the next run, which tells what is wrong.
      () => this.asked.delete(script),
    );
  }
}

const decoder = new TextDecoder();

/** A reply as text. */
export function textOf(reply: unknown): string {
  return reply instanceof Uint8Array ? decoder.decode(reply) : String(reply);
}
