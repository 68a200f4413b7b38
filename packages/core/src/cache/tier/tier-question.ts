import { TimeoutEntry, type TimeoutLane } from '../../clock/timeout-queue.ts';
import { NOTHING_KNOWN, type TierAnswer } from './tier-answer.ts';

/** Whoever asks the second tier for a key. Told once, and within the question where the answer is at hand. */
export interface TierAsker<Value> {
  tierAnswered(answer: TierAnswer<Value>): void;
  /** Only told to those for whom a tier that gives no answer is an error. */
  tierFailed(error: unknown): void;
}

/** What an asker wants. */
export interface TierWish {
  /** Where the time runs after which it goes on without an answer; undefined: the tier's own deadline counts. */
  readonly lane: TimeoutLane | undefined;
  /** Called when that time is over. */
  readonly slow: () => void;
  /** Whether a tier that gives no answer is an error. */
  readonly mayFail: boolean;
}

/** A key that is asked for. */
export class TierQuestion<Value> extends TimeoutEntry {
  /** The key as memory knows it. */
  readonly text: string;
  /** The key as the tier knows it. */
  readonly key: string;
  /** The tags whose generations are asked for with it. */
  readonly tags: readonly string[];
  private readonly asker: TierAsker<Value>;
  private readonly wish: TierWish;
  private ended = false;

  constructor(text: string, key: string, tags: readonly string[], asker: TierAsker<Value>, wish: TierWish) {
    super();
    this.text = text;
    this.key = key;
    this.tags = tags;
    this.asker = asker;
    this.wish = wish;
    wish.lane?.add(this);
  }

  answer(answer: TierAnswer<Value>): void {
    if (this.end()) this.asker.tierAnswered(answer);
  }

  /** There is no answer. What failed was told as an event. */
  fail(error: unknown): void {
    if (!this.wish.mayFail) this.answer(NOTHING_KNOWN);
    else if (this.end()) this.asker.tierFailed(error);
  }

  override onTimeout(): void {
    this.wish.slow();
    this.answer(NOTHING_KNOWN);
  }

  /** False when it has been answered before. */
  private end(): boolean {
    if (this.ended) return false;
    this.ended = true;
    this.wish.lane?.remove(this);
    return true;
  }
}
