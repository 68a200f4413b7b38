/**
 * The counts of shared limiters in Redis or Valkey.
 *
 * ```text
 *   {<namespace>:<contest>}:<limit>:<key>   what a key has taken of a limit
 *   {<namespace>:<contest>}!                 a pause of all who share a budget
 *   {<namespace>:<contest>}!:<key>           a ban; that of requests without a key ends with `!!`
 *   <namespace>:!<limit>                     what was said about its numbers
 *   <namespace>:!                            what pings write
 * ```
 *
 * Where there is but one limit, which counts by whole keys, bans and pauses stand in its own key. All keys of a decision have one hash tag, are declared, and expire by themselves. Where a limit counts by just what the
 * contest is told apart by, its key ends with its name.
 */
import type { RedisPort } from '../../../gates/redis/port.ts';
import { ScriptRunner, textOf } from '../../../gates/redis/script-runner.ts';
import type { ResolvedLimit } from '../../limit-options.ts';
import type {
  AskedLimit,
  LimitAnswer,
  LimitHold,
  LimitQuestion,
  LimitReading,
  LimitStore,
  LimitStoreSource,
  StoreReservation,
  StoreReserved,
} from '../limit-store.ts';
import { DECIDE_ALL, DECIDE_ONE } from './fast-script.ts';
import { HOLD, LEDGER } from './ledger-script.ts';
import { LONGEST_MS } from './meter-scripts.ts';

const PING_LIFE_MS = '1000';
/** Changed numbers are kept for 30 days after somebody has looked at them. */
const NUMBERS_LIFE_MS = '2592000000';

/** The algorithms that the scripts know, by their kind. */
const KINDS: Readonly<Record<string, string>> = {
  gcra: 'g',
  'sliding-log': 'l',
  'sliding-window': 'w',
  'fixed-window': 'f',
};

/** Counts in Redis or Valkey, through a client that the caller brings; single or as a cluster. */
export function redisLimits(port: RedisPort): LimitStoreSource {
  return { open: (namespace) => new RedisLimits(port, namespace) };
}

class RedisLimits implements LimitStore {
  readonly name = 'redis';
  private readonly port: RedisPort;
  private readonly scripts: ScriptRunner;
  private readonly namespace: string;

  constructor(port: RedisPort, namespace: string) {
    this.port = port;
    this.scripts = new ScriptRunner(port);
    this.namespace = escaped(namespace);
  }

  async decide(question: LimitQuestion, commit: boolean): Promise<LimitAnswer> {
    const { limits } = question;
    if (!limits.every(({ numbers }) => numbers.algorithm.kind === 'gcra'))
      return this.answer(question, commit ? 'take' : 'check');
    const parameters: string[] = [];
    for (const { numbers, cost } of limits) {
      const { periodMs, burst } = numbers;
      parameters.push(String(rateOf(numbers)), String(cost * periodMs), String(burst * periodMs));
    }
    if (!commit) parameters.push('look');
    const keys = this.keysOf(question);
    const reply = await this.scripts.run(keys.length === 1 ? DECIDE_ONE : DECIDE_ALL, keys, parameters);
    if (typeof reply === 'number' || typeof reply === 'bigint') return oneAnswer(limits[0]!, Number(reply), commit);
    if (!Array.isArray(reply)) return this.answer(question, commit ? 'take' : 'check');
    return holdOf(reply) ?? allAnswers(limits, (reply as unknown[]).map(Number), commit);
  }

  lease(question: LimitQuestion, wanted: readonly number[]): Promise<LimitAnswer> {
    return this.answer(question, 'lease', wanted.map(String));
  }

  charge(question: LimitQuestion): Promise<unknown> {
    return this.run(question, 'charge');
  }

  lower(question: LimitQuestion): Promise<unknown> {
    return this.run(question, 'lower');
  }

  forgive(question: LimitQuestion): Promise<unknown> {
    return this.run(question, 'forgive');
  }

  forget(question: LimitQuestion): Promise<unknown> {
    return this.run(question, 'forget');
  }

  hold(question: LimitQuestion, cause: LimitHold['cause'], durationMs: number): Promise<unknown> {
    const life = durationMs >= LONGEST_MS ? '-1' : String(Math.ceil(durationMs));
    const [ban, pause] = this.holdsOf(question);
    if (ban === undefined) return this.run(question, 'hold', [cause, life]);
    return this.scripts.run(HOLD, [cause === 'ban' ? ban : pause!], [cause, life]);
  }

  async reserve(question: LimitQuestion, reservation: StoreReservation): Promise<StoreReserved> {
    const { id, maxWaitMs, expiresMs, maxHeld } = reservation;
    const wants = [id, finite(maxWaitMs), '0', finite(expiresMs), finite(maxHeld)];
    const reply = await this.run(question, 'reserve', wants);
    const first = textOf(reply[0]);
    if (first === 'full') return { hold: undefined, full: true, roomAfterMs: numberOf(reply[1]), delayMs: undefined };
    const held = holdOf(reply);
    if (held !== undefined) return { hold: held.hold, full: false, delayMs: undefined };
    const [delayMs, slowest, ...rest] = reply.map(numberOf);
    const readings = question.limits.map((_, at) => ({
      waitMs: delayMs!,
      remaining: rest[at * 2]!,
      resetMs: rest[at * 2 + 1]!,
      granted: 0,
    }));
    return { hold: undefined, full: false, delayMs: delayMs!, slowest: slowest! - 1, readings };
  }

  async cancel(question: LimitQuestion, id: string): Promise<boolean> {
    return isTrue(await this.run(question, 'cancel', [id]));
  }

  async commit(question: LimitQuestion, id: string): Promise<boolean> {
    return isTrue(await this.run(question, 'commit', [id]));
  }

  async settle(question: LimitQuestion, id: string): Promise<boolean> {
    return isTrue(await this.run(question, 'settle', [id]));
  }

  async move(question: LimitQuestion, id: string, byMs: number): Promise<number | undefined> {
    const delayMs = numberOf((await this.run(question, 'move', [id, String(byMs)]))[0]);
    return delayMs === Infinity ? undefined : delayMs;
  }

  tellNumbers(limitName: string, text: string): Promise<unknown> {
    const key = this.numbersKey(limitName);
    return this.port.send(['SET', key, text, 'PX', NUMBERS_LIFE_MS], { key });
  }

  async numbers(limitName: string): Promise<string | undefined> {
    const key = this.numbersKey(limitName);
    const reply = await this.port.send(['GETEX', key, 'PX', NUMBERS_LIFE_MS], { key });
    return reply === null || reply === undefined ? undefined : textOf(reply);
  }

  /** A replica that takes no writings, or a disk that is full, is of no use: so a ping writes. */
  ping(): Promise<unknown> {
    const key = `${this.namespace}:!`;
    return this.port.send(['SET', key, '1', 'PX', PING_LIFE_MS], { key });
  }

  private async answer(question: LimitQuestion, op: string, wants: readonly string[] = []): Promise<LimitAnswer> {
    const reply = await this.run(question, op, wants);
    const held = holdOf(reply);
    if (held !== undefined) return held;
    const numbers = reply.map(numberOf);
    const readings = question.limits.map((_, at) => ({
      waitMs: numbers[at * 4]!,
      remaining: numbers[at * 4 + 1]!,
      resetMs: numbers[at * 4 + 2]!,
      granted: numbers[at * 4 + 3]!,
    }));
    return { hold: undefined, readings };
  }

  private async run(question: LimitQuestion, op: string, wants: readonly string[] = []): Promise<readonly unknown[]> {
    const parameters = [op, String(question.limits.length)];
    for (const { numbers, cost } of question.limits) {
      const { algorithm, limit, burst, periodMs } = numbers;
      const most = algorithm.hasBurst ? burst : limit;
      parameters.push(KINDS[algorithm.kind]!, String(most), String(rateOf(numbers)), String(periodMs), finite(cost));
    }
    return (await this.scripts.run(LEDGER, this.keysOf(question), [...parameters, ...wants])) as unknown[];
  }

  private keysOf(question: LimitQuestion): readonly string[] {
    const tag = this.tagOf(question.contest);
    const keys = question.limits.map(({ numbers, key }) => {
      const own = key === question.contest ? '' : `:${escaped(key ?? '')}`;
      return `${tag}:${escaped(numbers.name)}${own}`;
    });
    return [...keys, ...this.holdsOf(question)];
  }

  /** Where a ban of the key stands, and a pause of the contest; nowhere of their own where they stand in the limit's key. */
  private holdsOf({ contest, key, limits }: LimitQuestion): readonly string[] {
    if (limits.length === 1 && limits[0]!.numbers.per === undefined && key === contest) return [];
    const pause = `${this.tagOf(contest)}!`;
    return [key === undefined ? `${pause}!` : `${pause}:${escaped(key)}`, pause];
  }

  private numbersKey(limitName: string): string {
    return `${this.namespace}:!${escaped(limitName)}`;
  }

  private tagOf(contest: string | undefined): string {
    return contest === undefined ? `{${this.namespace}}` : `{${this.namespace}:${escaped(contest)}}`;
  }
}

function rateOf({ limit, burst, strict }: ResolvedLimit): number {
  return strict ? limit - burst : limit;
}

/** What `ahead` units of 1 / rate ms mean for a limit. */
function readingOf({ numbers, cost }: AskedLimit, ahead: number, isTaken: boolean): LimitReading {
  const { periodMs, burst } = numbers;
  const rate = rateOf(numbers);
  const room = burst * periodMs - ahead;
  const fits = Math.floor(room / periodMs);
  const over = cost > burst ? Infinity : cost * periodMs - room;
  return {
    waitMs: isTaken || over <= 0 ? 0 : over / rate,
    remaining: Math.max(0, fits * periodMs > room ? fits - 1 : fits),
    resetMs: ahead / rate,
    granted: isTaken ? cost : 0,
  };
}

function oneAnswer(limit: AskedLimit, reply: number, commit: boolean): LimitAnswer {
  const reading = reply >= 0 ? readingOf(limit, reply, commit) : readingOf(limit, -1 - reply, false);
  return { hold: undefined, readings: [reading] };
}

function allAnswers(limits: readonly AskedLimit[], reply: readonly number[], commit: boolean): LimitAnswer {
  const isTaken = commit && reply[0] === 1;
  return { hold: undefined, readings: limits.map((limit, at) => readingOf(limit, reply[at + 1]!, isTaken)) };
}

function holdOf(reply: readonly unknown[]): { readonly hold: LimitHold } | undefined {
  if (typeof reply[0] === 'number') return undefined;
  const cause = textOf(reply[0]);
  if (cause !== 'ban' && cause !== 'pause') return undefined;
  const life = Number(reply[1]);
  return { hold: { cause, leftMs: life < 0 ? Infinity : Math.max(1, life) } };
}

/** A number as the scripts say it: −1 is "never". */
function numberOf(reply: unknown): number {
  const number = Number(textOf(reply));
  return number === -1 ? Infinity : number;
}

function isTrue(reply: readonly unknown[]): boolean {
  return Number(textOf(reply[0])) === 1;
}

/** Lua reads no `Infinity`. */
function finite(number: number): string {
  return String(Math.min(number, 1e300));
}

/** Percent-encoded where a character means something in a key, or to a cluster. */
function escaped(text: string): string {
  return text.replaceAll(/[%:{}!]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
