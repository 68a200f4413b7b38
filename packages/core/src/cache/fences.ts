/**
 * Fences keep what was read before an invalidation from being seen after it.
 *
 * Each invalidation of a tag, and each clearing, takes the next number. An entry carries the number that was current when
 * its load began, and is void when one of its tags, or the whole cache, was invalidated later. So an invalidation costs
 * the same whatever carries the tag, and a load that was under way while it happened brings nothing back.
 *
 * Numbers of tags are kept for as many tags as are bounded here. When there are more, the oldest numbers are dropped and
 * every tagged entry from before is void: forgetting may cost a load, never a stale value.
 */
const MOST_TAGS = 10_000;

const NO_TAGS: ReadonlySet<string> = new Set();

export class Fences {
  /** How many invalidations there have been. */
  sequence = 0;
  private clearedAt = 0;
  /** Tags and the number of their last invalidation, the oldest first. */
  private readonly tags: Map<string, number> = new Map();
  /** Every tagged entry from before this number is void. */
  private forgottenUpTo = 0;

  /** Whether an entry whose load began at `sequence` may still be seen. */
  admits(entry: { readonly sequence: number; readonly tags: readonly string[] }): boolean {
    return entry.sequence === this.sequence || this.lastOf(entry.tags) <= entry.sequence;
  }

  /** The number of the last invalidation of what has these tags. */
  lastOf(tags: readonly string[]): number {
    let last = this.clearedAt;
    if (tags.length === 0) return last;
    if (this.forgottenUpTo > last) last = this.forgottenUpTo;
    for (const tag of tags) {
      const at = this.tags.get(tag);
      if (at !== undefined && at > last) last = at;
    }
    return last;
  }

  invalidate(tags: Iterable<string>): void {
    const at = ++this.sequence;
    for (const tag of tags) {
      this.tags.delete(tag);
      this.tags.set(tag, at);
    }
    while (this.tags.size > MOST_TAGS) this.forgetOldest();
  }

  clear(): void {
    this.clearedAt = ++this.sequence;
    this.tags.clear();
    this.forgottenUpTo = 0;
  }

  private forgetOldest(): void {
    const [tag, at] = this.tags.entries().next().value!;
    this.tags.delete(tag);
    this.forgottenUpTo = at;
  }
}

/** @internal Tags without repetitions, for entries; most have none. */
export function uniqueTags(
  first: readonly string[] | undefined,
  second: readonly string[] | undefined,
): readonly string[] {
  const all = first === undefined ? NO_TAGS : new Set(first);
  if (second === undefined || second.length === 0) return [...all];
  return [...new Set([...all, ...second])];
}
