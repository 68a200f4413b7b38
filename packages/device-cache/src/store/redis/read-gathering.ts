/**
 * Reads that come in one turn of the event loop become one command: of many clients who ask at the same time, each in a
 * request of its own, many come in one turn. One who asks alone waits no longer for it.
 */
import type { RedisKeys } from '@breakwater/device-client/contract';
import type { RedisConnection } from './connection.ts';
import type { AroundCategory } from './reading-keys.ts';
import { readScript } from './scripts.ts';

/** How many devices one command reads at most: the server does nothing else meanwhile. */
const MOST_AT_ONCE = 100;

/** What the script has found of a device: metadata, `lastUpdated`, and what it was asked for beside. */
export type FoundTexts = readonly [metadata: string, lastUpdated: string, ...rest: string[]];

/** What a gathering is made of. */
export interface ReadGatheringParts<View> {
  readonly connection: RedisConnection;
  readonly keys: RedisKeys;
  readonly aroundCategory: AroundCategory;
  readonly withReadings: boolean;
  /** Makes what readers get of what was found. */
  readonly view: (id: string, found: FoundTexts) => View;
}

interface Waiting<View> {
  readonly id: string;
  readonly resolve: (view: View | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export class ReadGathering<View> {
  private readonly parts: ReadGatheringParts<View>;
  /** The devices of a cluster lie on different nodes. */
  private readonly mostAtOnce: number;
  private waiting: Waiting<View>[] = [];

  constructor(parts: ReadGatheringParts<View>) {
    this.parts = parts;
    this.mostAtOnce = parts.connection.port.isCluster === true ? 1 : MOST_AT_ONCE;
  }

  /** Resolves to undefined where there is no such device; rejects with a StoreUnavailableError. */
  read(id: string): Promise<View | undefined> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length === 0) atEndOfTurn(() => this.sendAll());
      this.waiting.push({ id, resolve, reject });
    });
  }

  private sendAll(): void {
    const { waiting, mostAtOnce } = this;
    this.waiting = [];
    for (let at = 0; at < waiting.length; at += mostAtOnce) void this.send(waiting.slice(at, at + mostAtOnce));
  }

  private async send(some: readonly Waiting<View>[]): Promise<void> {
    const { connection, keys, aroundCategory, withReadings } = this.parts;
    const [names, parameters]: [string[], string[]] = [[], [withReadings ? '1' : '0']];
    for (const { id } of some) {
      names.push(keys.metadata(id), keys.categories(id));
      parameters.push(...aroundCategory(id));
    }
    try {
      const replies = await connection.run(() => connection.scriptForTexts(readScript, names, parameters));
      for (const [at, reply] of (replies as readonly unknown[]).entries()) this.tell(some[at]!, reply);
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  }

  private tell({ id, resolve, reject }: Waiting<View>, reply: unknown): void {
    const { connection, view } = this.parts;
    if (reply === null) return resolve(undefined);
    try {
      // A text is why this one could not be read, such as a key of another type.
      if (typeof reply === 'string') throw new Error(reply);
      resolve(view(id, reply as FoundTexts));
    } catch (error) {
      reject(connection.unavailable(error));
    }
  }
}

/** When the requests that had come when this turn of the event loop began have all been looked at. */
function atEndOfTurn(task: () => void): void {
  // oxlint-disable-next-line no-restricted-globals -- no time passes: a clock's timer would be a millisecond late
  setImmediate(task);
}
