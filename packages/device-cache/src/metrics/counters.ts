/** Numbers that the service keeps of itself, by name and labels; who collects reads them. */
import type { CountedName } from './catalog.ts';

export type Labels = Readonly<Record<string, string>>;

/** One number, to be changed without looking it up again. */
export interface Cell {
  value: number;
}

/** A number with its labels. */
export interface CountedSeries {
  readonly labels: Labels;
  readonly cell: Cell;
}

/** How many combinations of labels one name may have; more are counted together. */
const MOST_SERIES = 1_000;
const OTHERS = '(other)';

export class Counters {
  private readonly byName: Map<CountedName, Map<string, CountedSeries>> = new Map();

  /** Adds to a counter. */
  add(name: CountedName, labels: Labels, amount: number = 1): void {
    this.cell(name, labels).value += amount;
  }

  /** Sets a gauge, or a counter that somebody else counts. */
  set(name: CountedName, labels: Labels, value: number): void {
    this.cell(name, labels).value = value;
  }

  /** Forgets what a gauge says of this source: what is not known any more is not shown. */
  forget(name: CountedName, source: string): void {
    const all = this.byName.get(name);
    for (const [key, { labels }] of all ?? []) if (labels['source'] === source) all?.delete(key);
  }

  /** The number itself, for whoever changes it often. */
  cell(name: CountedName, labels: Labels): Cell {
    let all = this.byName.get(name);
    if (all === undefined) this.byName.set(name, (all = new Map()));
    const key = JSON.stringify(labels);
    const known = all.get(key);
    if (known !== undefined) return known.cell;
    const others = Object.fromEntries(Object.keys(labels).map((label) => [label, OTHERS]));
    if (all.size >= MOST_SERIES && key !== JSON.stringify(others)) return this.cell(name, others);
    const made = { labels, cell: { value: 0 } };
    all.set(key, made);
    return made.cell;
  }

  /** Everything that was counted under a name. */
  seriesOf(name: CountedName): Iterable<CountedSeries> {
    return this.byName.get(name)?.values() ?? [];
  }
}
