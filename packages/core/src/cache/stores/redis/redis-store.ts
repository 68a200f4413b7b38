/**
 * A second tier in Redis or Valkey.
 *
 * ```text
 *   <namespace>:v:<key>      a value behind its version and expiry; goes with its grace
 *   {<namespace>}:g:<tag>    the generation of a tag; on a cluster all of them lie together
 *   <namespace>:l:<key>      a lease on loading
 *   <namespace>:bus          the channel of the bus
 * ```
 *
 * Values are read by MGET. Once a second a script does the same, says what time it is at the server, and prolongs the
 * lives of the generations that it is asked for. Versions count up in scripts.
 */
import type { Clock } from '../../../clock/clock.ts';
import { type Random, systemRandom } from '../../../clock/random.ts';
import { systemClock } from '../../../clock/system-clock.ts';
import type { BusSource } from '../../tier/bus.ts';
import { escaped } from '../../cache-key.ts';
import type { TierReading, TierRecord, TierSource, TierStore } from '../../tier/tier-store.ts';
import type { RedisPort, RedisSend } from '../../../gates/redis/port.ts';
import { DISCARD, GENERATIONS, READ, RELEASE, REMOVE, RENEW, WRITE } from './scripts.ts';
import { ScriptRunner, textOf } from '../../../gates/redis/script-runner.ts';
import { RepeatedText } from './repeated-text.ts';
import { ServerTime } from './server-time.ts';
import { recordOf } from './stored-value.ts';

/** A generation is kept for so long after it was last prolonged: 90 days. What was written under it is void afterwards. */
const GENERATION_MS = 7_776_000_000;
/** Redis keeps no time beyond this in milliseconds: 1,000 years. */
const LONGEST_LIFE_MS = 31_536_000_000_000;
const SCAN_COUNT = 512;

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** Where it takes random numbers from; default: the system. */
  readonly random?: Random | undefined;
  /** What measures how long ago the server told its time; default: the system's clock. */
  readonly clock?: Clock | undefined;
}

/** A second tier in Redis or Valkey, through a client that the caller brings. */
export function redisStore(port: RedisPort, options: RedisStoreOptions = {}): TierSource {
  const { random = systemRandom, clock = systemClock } = options;
  return { open: (namespace) => new RedisStore(port, namespace, random, clock) };
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
  private readonly time: ServerTime;
  private readonly generationText: RepeatedText = new RepeatedText();
  private readonly valuePrefix: string;
  private readonly tagPrefix: string;
  private readonly leasePrefix: string;

  constructor(port: RedisPort, namespace: string, random: Random, clock: Clock) {
    this.port = port;
    this.scripts = new ScriptRunner(port);
    const name = escaped(namespace);
    this.valuePrefix = `${name}:v:`;
    this.tagPrefix = `{${name}}:g:`;
    this.leasePrefix = `${name}:l:`;
    this.random = random;
    this.time = new ServerTime(clock);
  }

  read(keys: readonly string[], tags: readonly string[]): Promise<TierReading> {
    if (this.port.isCluster === true) return this.readApart(keys, tags);
    const names = new Array<string>(keys.length + tags.length);
    for (let at = 0; at < keys.length; at++) names[at] = this.valueKey(keys[at]!);
    for (let at = 0; at < tags.length; at++) names[keys.length + at] = this.tagKey(tags[at]!);
    return this.time.isKnown ? this.readPlainly(names, tags) : this.readByScript(names, tags);
  }

  private readPlainly(names: readonly string[], tags: readonly string[]): Promise<TierReading> {
    const values = names.length - tags.length;
    return this.port.send(['MGET', ...names], { key: names[0] }).then((reply) => {
      // A generation that isn't there is made by the script.
      if ((reply as unknown[]).includes(null, values)) return this.readByScript(names, tags);
      return this.readingOf(reply as unknown[], 0, values, this.time.now());
    });
  }

  private async readByScript(names: readonly string[], tags: readonly string[]): Promise<TierReading> {
    const values = names.length - tags.length;
    const askedAt = this.time.asking();
    const parameters = [String(values), ...this.freshGenerations(tags)];
    const reply = (await this.scripts.run(READ, names, parameters)) as unknown[];
    const now = Number(textOf(reply[0]));
    this.time.told(now, askedAt);
    return this.readingOf(reply, 1, values, now);
  }

  /** Each key from the node that it lies on, which has a time of its own. */
  private async readApart(keys: readonly string[], tags: readonly string[]): Promise<TierReading> {
    const [generations, ...replies] = await Promise.all([
      tags.length === 0 ? [] : this.generations(tags),
      ...keys.map((key) => this.scripts.run(READ, [this.valueKey(key)], ['1', '0'])),
    ]);
    const records = (replies as unknown[][]).map(([now, value]) => recordOf(value, Number(textOf(now))));
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
    const prefix = this.valuePrefix;
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

  /** A reading of a reply in which values stand from `at` on, and generations behind them. */
  private readingOf(reply: readonly unknown[], at: number, values: number, now: number): TierReading {
    const end = at + values;
    // Of their size from the start: a list that grows takes more room than the few items that most readings have.
    const records = new Array<TierRecord | undefined>(values);
    const generations = new Array<string>(reply.length - end);
    for (let index = at; index < end; index++) records[index - at] = recordOf(reply[index], now);
    for (let index = end; index < reply.length; index++)
      generations[index - end] = this.generationText.of(reply[index]);
    return { records, generations };
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

  private readonly valueKey = (key: string): string => this.valuePrefix + key;

  private readonly tagKey = (tag: string): string => (tag === '' ? this.tagPrefix : this.tagPrefix + escaped(tag));

  private leaseKey(key: string): string {
    return this.leasePrefix + key;
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
