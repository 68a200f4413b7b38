/**
 * One process at a time loads a key: whoever gets the lease. The others look every now and then whether its value has
 * come, sooner when the bus says so, and load themselves when it takes too long: this saves loads and protects nothing.
 */
import type { Clock, Timer } from '../../clock/clock.ts';
import type { Random } from '../../clock/random.ts';
import { tierKey } from '../cache-key.ts';
import type { TierLink } from './link.ts';
import type { TierAnswer } from './tier-answer.ts';

/** A lease that isn't given back ends by itself. */
const LEASE_MS = 30_000;
const LOOK_EVERY_MS = 50;
/** After so long a process loads a key though another has the lease. */
const LONGEST_WAIT_MS = 1_000;

/** Whose turn it is. */
export interface Turn<Value> {
  /** What another process has loaded meanwhile; undefined: load. */
  readonly answer: TierAnswer<Value> | undefined;
  /** To be called when the value is written, or will not be. */
  readonly release: () => void;
}

const nothing = (): void => undefined;

export class Turns<Value> {
  private readonly link: TierLink;
  private readonly clock: Clock;
  private readonly holder: string;
  private readonly look: (text: string, tags: readonly string[]) => Promise<TierAnswer<Value>>;
  private readonly sleepers: Map<string, Set<() => void>> = new Map();

  constructor(
    link: TierLink,
    clock: Clock,
    random: Random,
    look: (text: string, tags: readonly string[]) => Promise<TierAnswer<Value>>,
  ) {
    this.link = link;
    this.clock = clock;
    this.holder = Array.from({ length: 3 }, () => Math.floor(random.next() * 2 ** 32).toString(36)).join('');
    this.look = look;
  }

  /** Waits for a turn to load. Never rejects. */
  async of(text: string, tags: readonly string[]): Promise<Turn<Value>> {
    const until = this.clock.now() + LONGEST_WAIT_MS;
    while (!(await this.take(text))) {
      if (this.clock.now() >= until) return { answer: undefined, release: nothing };
      await this.sleep(text);
      const answer = await this.look(text, tags);
      if (answer.found !== undefined && answer.found.freshMs > 0) return { answer, release: nothing };
    }
    return { answer: undefined, release: () => void this.release(text) };
  }

  /** Something has been written under this key. */
  wake(text: string): void {
    for (const sleeper of this.sleepers.get(text) ?? []) sleeper();
  }

  /** True also when the store gives no answer: then nobody is waited for. */
  private async take(text: string): Promise<boolean> {
    try {
      return await this.link.ask('lease', (store) => store.lease(tierKey(text), this.holder, LEASE_MS));
    } catch {
      return true;
    }
  }

  private async release(text: string): Promise<void> {
    try {
      await this.link.ask('release', (store) => store.release(tierKey(text), this.holder));
    } catch {
      // It ends by itself.
    }
  }

  private sleep(text: string): Promise<void> {
    return new Promise((resolve) => {
      const sleepers = this.sleepers.get(text) ?? new Set();
      this.sleepers.set(text, sleepers);
      let timer: Timer | undefined = undefined;
      const wake = (): void => {
        timer?.cancel();
        sleepers.delete(wake);
        if (sleepers.size === 0) this.sleepers.delete(text);
        resolve();
      };
      sleepers.add(wake);
      timer = this.clock.setTimer(LOOK_EVERY_MS, wake);
    });
  }
}
