import type { RedisPort } from 'breakwater/cache';
import { textOf } from './reply.ts';

/**
 * Calls scripts by their hash, so that their text is sent once and not each time. A server that doesn't know the script
 * (another node of a cluster, or one that was started anew) is sent the text again.
 */
export class ScriptCaller {
  private readonly port: RedisPort;
  private readonly hashes: Map<string, Promise<string | undefined>> = new Map();

  constructor(port: RedisPort) {
    this.port = port;
  }

  async call(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args];
    const route = { key: keys[0] };
    const hash = await this.hashOf(script);
    if (hash === undefined) return this.port.send(['EVAL', script, ...rest], route);
    try {
      return await this.port.send(['EVALSHA', hash, ...rest], route);
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return this.port.send(['EVAL', script, ...rest], route);
    }
  }

  /** Undefined where it could not be loaded: then the text is sent, whose failure is the one that counts. */
  private hashOf(script: string): Promise<string | undefined> {
    let hash = this.hashes.get(script);
    if (hash === undefined) {
      hash = this.port.send(['SCRIPT', 'LOAD', script], { key: undefined }).then(textOf, () => {
        this.hashes.delete(script);
        return undefined;
      });
      this.hashes.set(script, hash);
    }
    return hash;
  }
}

const isUnknownScript = (error: unknown): boolean => error instanceof Error && error.message.startsWith('NOSCRIPT');
