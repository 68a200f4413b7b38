import type { DeviceInput } from '../contract/device.ts';
import { CHANGE_LOG_LENGTH } from '../contract/redis-keys.ts';
import type { ChangeCause } from '../contract/stream.ts';
import { aroundCategory } from './around-category.ts';
import type { RedisSettings } from './redis-settings.ts';
import { numberOf } from './reply.ts';
import type { ScriptCaller } from './script-caller.ts';
import { DELETE_DEVICE, DELETE_DEVICE_ALONE, NOTE_CHANGE, PUT_DEVICE, PUT_DEVICE_ALONE } from './scripts.ts';

/** By how much the time to live varies, so that devices that were put together do not leave together. */
const JITTER_RATIO = 0.1;

/** The writes of the direct way: a device, the registry and the log together. */
export class DeviceWrites {
  private readonly scripts: ScriptCaller;
  private readonly settings: Pick<RedisSettings, 'keys' | 'isSharded' | 'ttlMs' | 'clock' | 'random'>;

  constructor(scripts: ScriptCaller, settings: DeviceWrites['settings']) {
    this.scripts = scripts;
    this.settings = settings;
  }

  async put(id: string, { metadata }: DeviceInput): Promise<void> {
    const { now, ttlMs } = this.moment();
    const iso = new Date(now).toISOString();
    const own = [...this.around(id), String(ttlMs), JSON.stringify(metadata), iso];
    await this.write([PUT_DEVICE, PUT_DEVICE_ALONE], id, own, 'metadata', now, ttlMs);
  }

  /** False when there was none. */
  async delete(id: string): Promise<boolean> {
    const { now, ttlMs } = this.moment();
    const own = [...this.around(id), String(ttlMs), String(now)];
    const result = await this.write([DELETE_DEVICE, DELETE_DEVICE_ALONE], id, own, 'deleted', now, ttlMs);
    return numberOf(result) === 1;
  }

  /** In one step where all keys lie on one server; otherwise in two, the second only when the first has changed something. */
  private async write(
    [whole, alone]: readonly [string, string],
    id: string,
    own: readonly string[],
    cause: ChangeCause,
    now: number,
    ttlMs: number,
  ): Promise<unknown> {
    const { keys, isSharded } = this.settings;
    const ofDevice = [keys.metadata(id), keys.categories(id), keys.fences(id)];
    const ofRegistry = [keys.devices, keys.updated, keys.ids, keys.changes];
    const iso = new Date(now).toISOString();
    const noted = [id, cause, String(now), iso, String(now + ttlMs), String(CHANGE_LOG_LENGTH)];
    if (!isSharded) return this.scripts.call(whole, [...ofDevice, ...ofRegistry], [...own, ...noted]);
    const result = await this.scripts.call(alone, ofDevice, own);
    if (cause !== 'deleted' || numberOf(result) === 1) await this.scripts.call(NOTE_CHANGE, ofRegistry, noted);
    return result;
  }

  private moment(): { readonly now: number; readonly ttlMs: number } {
    const { clock, random, ttlMs } = this.settings;
    const spread = 1 + JITTER_RATIO * (2 * random.next() - 1);
    return { now: Math.floor(clock.wallTime()), ttlMs: Math.max(1, Math.round(ttlMs * spread)) };
  }

  private around(id: string): readonly [string, string] {
    const { before, after } = aroundCategory(this.settings.keys, id);
    return [before, after];
  }
}
