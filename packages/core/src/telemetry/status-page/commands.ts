/** What may be commanded from a status page, by whoever has the token. */
import type { Clock } from '../../clock/clock.ts';
import { SlidingCounts } from '../../structures/sliding-counts.ts';
import { breakerAt, type CommandedBreaker, type StatusRegistry } from './registry-port.ts';

/** Somebody has commanded a breaker from a status page, or has tried to. */
export interface StatusCommandEvent {
  /** `isolate`, `release` or `reset`; undefined where the request did not say what it wants. */
  readonly command: string | undefined;
  /** Whose breaker: the name of the pipeline. */
  readonly target: string | undefined;
  /** `refused` without the right token, `failure` where there is no such breaker or command. */
  readonly outcome: 'success' | 'refused' | 'failure';
}

/** What came of a command: an HTTP status and a sentence. */
export interface CommandResult {
  readonly status: 200 | 400 | 401 | 403 | 404 | 429;
  readonly message: string;
}

/** What a request says. */
interface Command {
  readonly command?: unknown;
  readonly pipeline?: unknown;
  readonly policy?: unknown;
  readonly reason?: unknown;
}

/** So many wrong tokens a minute are looked at; a guesser gets no more tries. */
const MOST_WRONG_TOKENS = 10;
const LONGEST_REASON = 200;

export class Commands {
  private readonly registry: StatusRegistry;
  private readonly clock: Clock;
  private readonly expected: Promise<Uint8Array> | undefined;
  private readonly clean: (text: string) => string;
  private readonly tell: (event: StatusCommandEvent) => void;
  /** Hits are wrong tokens. */
  private readonly attempts: SlidingCounts = new SlidingCounts(60_000, 6);
  /** What lets go of the isolation that began here. */
  private readonly releases: WeakMap<CommandedBreaker, () => void> = new WeakMap();

  constructor(
    registry: StatusRegistry,
    clock: Clock,
    token: string | undefined,
    clean: (text: string) => string,
    tell: (event: StatusCommandEvent) => void,
  ) {
    this.registry = registry;
    this.clock = clock;
    this.expected = token === undefined ? undefined : digest(token);
    this.clean = clean;
    this.tell = tell;
  }

  /**
   * Does what a request commands.
   *
   * @param authorization The header of that name.
   * @param body JSON, or what was made of it.
   */
  async run(authorization: string | undefined, body: unknown): Promise<CommandResult> {
    const refusal = await this.refusal(authorization);
    const said = commandOf(body);
    const command = typeof said.command === 'string' ? said.command.slice(0, 20) : undefined;
    const target = typeof said.pipeline === 'string' ? said.pipeline.slice(0, 100) : undefined;
    const result = refusal ?? this.obey(said);
    const outcome = refusal !== undefined ? 'refused' : result.status === 200 ? 'success' : 'failure';
    this.tell({ command, target, outcome });
    return result;
  }

  private async refusal(authorization: string | undefined): Promise<CommandResult | undefined> {
    if (this.expected === undefined) return { status: 403, message: 'this status page takes no commands' };
    const now = this.clock.now();
    if (this.attempts.hits(now) >= MOST_WRONG_TOKENS)
      return { status: 429, message: 'too many wrong tokens; try again in a minute' };
    const [, given = ''] = /^bearer (.{1,1000})$/i.exec(authorization ?? '') ?? [];
    if (equal(await digest(given), await this.expected)) return undefined;
    this.attempts.recordHit(now);
    return { status: 401, message: 'the token is missing or wrong' };
  }

  private obey({ command, pipeline, policy, reason }: Command): CommandResult {
    if (typeof pipeline !== 'string' || typeof policy !== 'string')
      return { status: 400, message: 'pipeline and policy say which breaker is meant' };
    if (!this.registry.list().some(({ name }) => name === pipeline))
      return { status: 404, message: 'no such pipeline' };
    const breaker = breakerAt(this.registry.get(pipeline), policy);
    if (breaker === undefined) return { status: 404, message: 'no breaker stands there' };
    switch (command) {
      case 'isolate':
        return this.isolate(breaker, reason);
      case 'release':
        return this.release(breaker);
      case 'reset':
        this.releases.delete(breaker);
        breaker.reset();
        return { status: 200, message: 'the breaker was reset' };
      default:
        return { status: 400, message: 'the command is isolate, release or reset' };
    }
  }

  private isolate(breaker: CommandedBreaker, reason: unknown): CommandResult {
    // Somebody else may have reset it since.
    if (this.releases.has(breaker) && breaker.state === 'isolated')
      return { status: 200, message: 'the breaker is isolated already' };
    const why =
      typeof reason === 'string' && reason.trim() !== '' ? this.clean(reason.slice(0, LONGEST_REASON)) : undefined;
    this.releases.set(breaker, breaker.isolate(why ?? 'isolated from the status page'));
    return { status: 200, message: 'the breaker is isolated' };
  }

  private release(breaker: CommandedBreaker): CommandResult {
    const release = this.releases.get(breaker);
    if (release === undefined) return { status: 404, message: 'it was not isolated from here' };
    this.releases.delete(breaker);
    release();
    return { status: 200, message: 'the isolation from here has ended' };
  }
}

function commandOf(body: unknown): Command {
  if (typeof body !== 'string') return Object(body) as Command;
  try {
    return Object(JSON.parse(body)) as Command;
  } catch {
    // What can't be read commands nothing, which is answered as such.
    return {};
  }
}

async function digest(token: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)));
}

/** Compares digests in a time that tells nothing of where they differ. */
function equal(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let index = 0; index < one.length; index++) difference |= one[index]! ^ (other[index] ?? 0);
  return difference === 0;
}
