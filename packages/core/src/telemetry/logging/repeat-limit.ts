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

/** A line that may be written. */
export interface AdmittedLine extends LineIdentity {
  /**
   * What was written of its message: set by who writes it. That it was repeated is told in the same words, since what was
   * secret in a message is known by the fields that stood beside it.
   */
  written: string | undefined;
}

interface Repeated extends AdmittedLine {
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
  private readonly tell: (line: AdmittedLine, suppressed: number) => void;
  private readonly lines: Map<string, Repeated> = new Map();

  /** @param tell Is told how many of a line were held back, when that is known. */
  constructor(limits: RepeatLimits, clock: Clock, tell: (line: AdmittedLine, suppressed: number) => void) {
    this.limits = limits;
    this.clock = clock;
    this.tell = tell;
  }

  /** The line as one that is to be written; undefined when it is held back. */
  admit({ level, logger, message }: LineIdentity): AdmittedLine | undefined {
    const { maxRepeats, repeatWindowMs } = this.limits;
    if (maxRepeats === Infinity) return { level, logger, message, written: undefined };
    const key = `${level}\n${logger}\n${message.slice(0, LONGEST_KEY)}`;
    const now = this.clock.now();
    const known = this.lines.get(key);
    if (known !== undefined && now < known.endsAt) return this.count(known, key, now);
    if (known !== undefined) this.end(known, key);
    this.makeRoom();
    const endsAt = now + repeatWindowMs;
    const line: Repeated = { level, logger, message, written: undefined, endsAt, count: 1, timer: undefined };
    this.lines.set(key, line);
    return line;
  }

  /** Tells what was held back so far, and forgets all. */
  flush(): void {
    for (const [key, line] of this.lines) this.end(line, key);
  }

  private count(line: Repeated, key: string, now: number): AdmittedLine | undefined {
    line.count++;
    if (line.count <= this.limits.maxRepeats) return line;
    this.suppressed++;
    line.timer ??= this.clock.setTimer(line.endsAt - now, () => this.end(line, key), true);
    return undefined;
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
