/**
 * A program in trouble says the same thing thousands of times a second, and buries what else it says. So of equal lines
 * only some are written in a span of time; the others are counted, and the count is told when the span is over. A timer
 * runs only while there is something to tell.
 */
import type { Clock, Timer } from '../../clock/clock.ts';
import type { LogLevel } from './log-level.ts';

/** A line by which equal ones are known. */
export interface LineIdentity {
  readonly level: LogLevel;
  readonly logger: string;
  readonly message: string;
}

interface Repeated extends LineIdentity {
  readonly endsAt: number;
  count: number;
  timer: Timer | undefined;
}

/** What a {@link RepeatLimit} goes by. */
export interface RepeatLimits {
  readonly maxRepeats: number;
  readonly repeatWindowMs: number;
}

/** So many different lines are told apart; the one that was new the longest ago goes first. */
const MOST_LINES = 1_000;
/** A message that is longer is known by its beginning. */
const LONGEST_KEY = 500;

/** Decides which lines are written. */
export class RepeatLimit {
  suppressed = 0;
  private readonly limits: RepeatLimits;
  private readonly clock: Clock;
  private readonly tell: (line: LineIdentity, suppressed: number) => void;
  private readonly lines: Map<string, Repeated> = new Map();

  /** @param tell Is told how many of a line were held back, when that is known. */
  constructor(limits: RepeatLimits, clock: Clock, tell: (line: LineIdentity, suppressed: number) => void) {
    this.limits = limits;
    this.clock = clock;
    this.tell = tell;
  }

  /** Whether this line is to be written. */
  admits({ level, logger, message }: LineIdentity): boolean {
    const { maxRepeats, repeatWindowMs } = this.limits;
    if (maxRepeats === Infinity) return true;
    const key = `${level}\n${logger}\n${message.slice(0, LONGEST_KEY)}`;
    const now = this.clock.now();
    const known = this.lines.get(key);
    if (known !== undefined && now < known.endsAt) return this.count(known, key, now);
    if (known !== undefined) this.end(known, key);
    this.makeRoom();
    this.lines.set(key, { level, logger, message, endsAt: now + repeatWindowMs, count: 1, timer: undefined });
    return true;
  }

  /** Tells what was held back so far, and forgets all. */
  flush(): void {
    for (const [key, line] of this.lines) this.end(line, key);
  }

  private count(line: Repeated, key: string, now: number): boolean {
    line.count++;
    if (line.count <= this.limits.maxRepeats) return true;
    this.suppressed++;
    line.timer ??= this.clock.setTimer(line.endsAt - now, () => this.end(line, key), true);
    return false;
  }

  private end(line: Repeated, key: string): void {
    this.lines.delete(key);
    line.timer?.cancel();
    const suppressed = line.count - this.limits.maxRepeats;
    if (suppressed > 0) this.tell(line, suppressed);
  }

  private makeRoom(): void {
    if (this.lines.size < MOST_LINES) return;
    const [oldest] = this.lines;
    if (oldest !== undefined) this.end(oldest[1], oldest[0]);
  }
}
