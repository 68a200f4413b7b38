/**
 * The generations of tags. A stored value says under which generation of each of its tags it was loaded, and is void
 * when one of them has another now. The tag '' is the whole namespace.
 *
 * While the bus is connected a generation that was read stays known, since its end would be heard of. Otherwise it is
 * read anew each time.
 */
import type { TierLink } from './link.ts';

const MOST_KNOWN = 10_000;

/** The tags of what has no other: the namespace is a tag that everything has. */
export const NAMESPACE: readonly string[] = Object.freeze(['']);

const NO_TAGS: readonly string[] = [];
const NOTHING: ReadonlyMap<string, string> = new Map();

/** What is known of the generations of tags, and which have to be asked for. */
export interface TagSplit {
  readonly known: ReadonlyMap<string, string>;
  readonly unknown: readonly string[];
}

interface Question {
  readonly tags: Set<string>;
  readonly answer: Promise<ReadonlyMap<string, string>>;
}

export class Generations {
  private readonly link: TierLink;
  private readonly isCurrent: () => boolean;
  private readonly known: Map<string, string> = new Map();
  /** The question that is being put together. */
  private asked: Question | undefined = undefined;
  /** Counts what would make a generation that is being read old. */
  private changes = 0;
  /** The generation of the namespace as it was last given out, for all who ask for no other. */
  private namespaceAlone: ReadonlyMap<string, string> = NOTHING;

  /** @param isCurrent Whether every change is heard of. */
  constructor(link: TierLink, isCurrent: () => boolean) {
    this.link = link;
    this.isCurrent = isCurrent;
  }

  /** The generations of tags, in their order. Rejects when they are not known and the store gives no answer. */
  async of(tags: readonly string[]): Promise<readonly string[]> {
    if (this.isCurrent() && tags.every((tag) => this.known.has(tag))) return tags.map((tag) => this.known.get(tag)!);
    const read = await this.together(tags);
    return tags.map((tag) => read.get(tag)!);
  }

  /** Questions that come within one turn of the program are one question to the store. */
  private together(tags: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const asked = (this.asked ??= this.gather());
    for (const tag of tags) asked.tags.add(tag);
    return asked.answer;
  }

  private gather(): Question {
    const tags = new Set<string>();
    const answer = Promise.resolve().then(() => {
      this.asked = undefined;
      return this.read([...tags]);
    });
    return { tags, answer };
  }

  /** Which of the tags of these have a known generation, and which have to be asked for. */
  split(all: readonly { readonly tags: readonly string[] }[]): TagSplit {
    const isCurrent = this.isCurrent();
    if (all.every(({ tags }) => tags === NAMESPACE)) {
      const generation = isCurrent ? this.known.get('') : undefined;
      if (generation === undefined) return { known: NOTHING, unknown: NAMESPACE };
      return { known: this.ofNamespace(generation), unknown: NO_TAGS };
    }
    const known = new Map<string, string>();
    const unknown = new Set<string>();
    for (const tag of all.flatMap(({ tags }) => tags)) {
      const generation = isCurrent ? this.known.get(tag) : undefined;
      if (generation === undefined) unknown.add(tag);
      else known.set(tag, generation);
    }
    return { known, unknown: [...unknown] };
  }

  /** All generations of a split, once those that were unknown are read; remembers them as {@link Generations.learn} does. */
  join({ known, unknown }: TagSplit, read: readonly string[], mark: number): ReadonlyMap<string, string> {
    if (unknown.length === 0) return known;
    const learnt = this.learn(unknown, read, mark);
    return known.size === 0 ? learnt : new Map([...known, ...learnt]);
  }

  /** To be taken before generations are asked for, and given to {@link Generations.learn} with them. */
  mark(): number {
    return this.isCurrent() ? this.changes : -1;
  }

  /** Remembers generations that were read, if nothing has changed since the mark. */
  learn(tags: readonly string[], generations: readonly string[], mark: number): ReadonlyMap<string, string> {
    const answer =
      tags === NAMESPACE ? this.ofNamespace(generations[0]!) : new Map(tags.map((tag, at) => [tag, generations[at]!]));
    if (mark !== this.changes) return answer;
    for (const [tag, generation] of answer) this.known.set(tag, generation);
    while (this.known.size > MOST_KNOWN) this.known.delete(this.known.keys().next().value!);
    return answer;
  }

  private ofNamespace(generation: string): ReadonlyMap<string, string> {
    if (this.namespaceAlone.get('') !== generation) this.namespaceAlone = new Map([['', generation]]);
    return this.namespaceAlone;
  }

  private async read(tags: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const mark = this.mark();
    return this.learn(tags, await this.link.ask('generations', (store) => store.generations(tags)), mark);
  }

  /** These tags have new generations. */
  forget(tags: readonly string[]): void {
    this.changes++;
    for (const tag of tags) this.known.delete(tag);
  }

  /** Nothing is known any more. */
  forgetAll(): void {
    this.changes++;
    this.known.clear();
  }
}
