/**
 * A second tier in Redis or Valkey.
 *
 * ```text
 *   <namespace>:v:<key>      a value behind its version; expires with its grace
 *   {<namespace>}:g:<tag>    the generation of a tag; on a cluster all of them lie together
 *   <namespace>:l:<key>      a lease on loading
 *   <namespace>:bus          the channel of the bus
 * ```
 *
 * How long a value is good is told by PTTL, the only clock that all processes share; versions count up in Lua.
 */
import { type Random, systemRandom } from '../../../clock/random.ts';
import type { BusSource } from '../../tier/bus.ts';
import { escaped } from '../../key.ts';
import type { TierReading, TierRecord, TierSource, TierStore } from '../../tier/tier-store.ts';
import type { RedisPort, RedisSend } from '../../../gates/redis/port.ts';
import { DISCARD, GENERATIONS, READ, RELEASE, REMOVE, RENEW, WRITE } from './scripts.ts';
import { ScriptRunner, textOf } from '../../../gates/redis/script-runner.ts';

const DIGITS = 16;
/** A generation is kept for so long after it was last asked for: 90 days. What was written under it is void afterwards. */
const GENERATION_MS = 7_776_000_000;
/** Redis keeps no time beyond this in milliseconds: 1,000 years. */
const LONGEST_LIFE_MS = 31_536_000_000_000;
const SCAN_COUNT = 512;

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** Where it takes random numbers from; default: the system. */
  readonly random?: Random | undefined;
}

/** A second tier in Redis or Valkey, through a client that the caller brings. */
export function redisStore(port: RedisPort, options: RedisStoreOptions = {}): TierSource {
  return { open: (namespace) => new RedisStore(port, namespace, options.random ?? systemRandom) };
}

/**
 * A bus by pub/sub of Redis or Valkey.
 *
 * @throws TypeError for a port without `subscribe`.
 */
export function redisBus(port: RedisPort): BusSource {
  const { send, subscribe } = port;
  if (subscribe === undefined) throw new TypeError('a bus needs a port with subscribe');
  return {
    open: (namespace) => {
      const channel = `${escaped(namespace)}:bus`;
      return {
        publish: (message) => send(['PUBLISH', channel, message], { key: undefined }),
        subscribe: (onMessage) => subscribe(channel, onMessage),
      };
    },
  };
}

class RedisStore implements TierStore {
  readonly name = 'redis';
  private readonly port: RedisPort;
  private readonly scripts: ScriptRunner;
  private readonly random: Random;
  private readonly namespace: string;

  constructor(port: RedisPort, namespace: string, random: Random) {
    this.port = port;
    this.scripts = new ScriptRunner(port);
    this.namespace = escaped(namespace);
    this.random = random;
  }

  async read(keys: readonly string[], tags: readonly string[]): Promise<TierReading> {
    if (this.port.isCluster === true) return this.readApart(keys, tags);
    const names = [...keys.map(this.valueKey), ...tags.map(this.tagKey)];
    const reply = (await this.scripts.run(READ, names, [
      String(keys.length),
      ...this.freshGenerations(tags),
    ])) as unknown[];
    const records = keys.map((_key, at) => recordOf(reply[at * 2], Number(reply[at * 2 + 1])));
    return { records, generations: tags.map((_tag, at) => textOf(reply[keys.length * 2 + at])) };
  }

  /** Each key from the node that it lies on. */
  private async readApart(keys: readonly string[], tags: readonly string[]): Promise<TierReading> {
    const [generations, ...replies] = await Promise.all([
      tags.length === 0 ? [] : this.generations(tags),
      ...keys.map((key) => this.scripts.run(READ, [this.valueKey(key)], ['1', '0'])),
    ]);
    const records = (replies as unknown[][]).map(([value, pttl]) => recordOf(value, Number(pttl)));
    return { records, generations };
  }

  async write(key: string, bytes: Uint8Array, lifeMs: number, expected: number | undefined): Promise<number> {
    const life = lifeMs >= LONGEST_LIFE_MS ? '0' : String(Math.max(1, Math.ceil(lifeMs)));
    const parameters = [this.firstVersion(), expected === undefined ? '' : String(expected), life, bytes];
    return Number(await this.scripts.run(WRITE, [this.valueKey(key)], parameters));
  }

  async remove(key: string, lifeMs: number): Promise<number> {
    return Number(await this.scripts.run(REMOVE, [this.valueKey(key)], [this.firstVersion(), String(lifeMs)]));
  }

  async discard(key: string, bytes: Uint8Array): Promise<void> {
    await this.scripts.run(DISCARD, [this.valueKey(key)], [bytes]);
  }

  async generations(tags: readonly string[]): Promise<readonly string[]> {
    const reply = await this.scripts.run(GENERATIONS, tags.map(this.tagKey), this.freshGenerations(tags));
    return (reply as unknown[]).map(textOf);
  }

  async renew(tags: readonly string[]): Promise<void> {
    await this.scripts.run(RENEW, tags.map(this.tagKey), this.freshGenerations(tags));
  }

  async *scan(glob: string): AsyncGenerator<readonly string[], undefined> {
    const prefix = `${this.namespace}:v:`;
    const escapedPrefix = prefix.replaceAll(/[*?[\]\\^]/g, String.raw`\$&`);
    // A client that has just been made doesn't know its nodes before the first answer.
    if (this.port.nodes !== undefined) await this.ping();
    const nodes = this.port.nodes?.() ?? [this.port.send];
    if (nodes.length === 0) throw new Error('no node of the cluster is known');
    for (const send of nodes) {
      yield* this.scanNode(send, escapedPrefix + glob, prefix.length);
    }
  }

  async ping(): Promise<unknown> {
    return this.port.send(['PING'], { key: undefined });
  }

  async lease(key: string, holder: string, leaseMs: number): Promise<boolean> {
    const name = this.leaseKey(key);
    const reply = await this.port.send(['SET', name, holder, 'NX', 'PX', String(leaseMs)], { key: name });
    return reply !== null;
  }

  async release(key: string, holder: string): Promise<void> {
    await this.scripts.run(RELEASE, [this.leaseKey(key)], [holder]);
  }

  private async *scanNode(send: RedisSend, glob: string, prefix: number): AsyncGenerator<string[], undefined> {
    let cursor = '0';
    do {
      const command = ['SCAN', cursor, 'MATCH', glob, 'COUNT', String(SCAN_COUNT)];
      const [next, names] = (await send(command, { key: undefined })) as [unknown, unknown[]];
      cursor = textOf(next);
      yield names.map((name) => textOf(name).slice(prefix));
    } while (cursor !== '0');
  }

  private readonly valueKey = (key: string): string => `${this.namespace}:v:${key}`;

  private readonly tagKey = (tag: string): string => `{${this.namespace}}:g:${escaped(tag)}`;

  private leaseKey(key: string): string {
    return `${this.namespace}:l:${key}`;
  }

  /** Versions of a key that comes back begin elsewhere, so that they are not taken for those of before. */
  private firstVersion(): string {
    return String(1 + Math.floor(this.random.next() * 2 ** 46));
  }

  private freshGenerations(tags: readonly string[]): string[] {
    const part = (): string => Math.floor(this.random.next() * 2 ** 32).toString(36);
    return [String(GENERATION_MS), ...tags.map(() => part() + part())];
  }
}

function recordOf(value: unknown, pttl: number): TierRecord | undefined {
  if (value === null || value === undefined) return undefined;
  if (!(value instanceof Uint8Array)) throw new TypeError('the port of Redis must give values as bytes');
  const version = Number(textOf(value.subarray(0, DIGITS)));
  const remainingMs = pttl < 0 ? Infinity : pttl;
  // Something else stands there: it will be found out as what it is.
  if (!(version > 0)) return { version: 0, bytes: value, remainingMs };
  return { version, bytes: value.length === DIGITS ? undefined : value.subarray(DIGITS), remainingMs };
}
