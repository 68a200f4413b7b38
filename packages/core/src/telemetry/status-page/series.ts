/** Numbers of the last minutes, a point an interval, in memory that does not grow. */
export class Series {
  private readonly points: Float64Array;
  private next = 0;
  private length = 0;

  constructor(capacity: number) {
    this.points = new Float64Array(capacity);
  }

  /** Adds a point; NaN where nothing is known. */
  add(value: number): void {
    this.points[this.next] = value;
    this.next = (this.next + 1) % this.points.length;
    this.length = Math.min(this.length + 1, this.points.length);
  }

  /** All points, the oldest first, short enough to be sent; null where nothing was known. */
  toJSON(): (number | null)[] {
    const { points, next, length } = this;
    return Array.from({ length }, (_, index) =>
      plotValue(points[(next - length + index + points.length) % points.length]!),
    );
  }
}

/** Three digits after the point are more than a plot shows. */
export function plotValue(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 1_000) / 1_000 : null;
}

/** The series of everything that is plotted, by the name of what it belongs to. */
export class SeriesBook {
  private readonly capacity: number;
  private readonly books: Map<string, Map<string, Series>> = new Map();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Adds a point to each series that is named, and forgets the series of what is named no more. */
  add(points: ReadonlyMap<string, Readonly<Record<string, number>>>): void {
    for (const name of this.books.keys()) if (!points.has(name)) this.books.delete(name);
    for (const [name, values] of points) {
      let book = this.books.get(name);
      if (book === undefined) this.books.set(name, (book = new Map()));
      for (const [key, value] of Object.entries(values)) {
        let series = book.get(key);
        if (series === undefined) book.set(key, (series = new Series(this.capacity)));
        series.add(value);
      }
    }
  }

  toJSON(): Readonly<Record<string, Readonly<Record<string, Series>>>> {
    return Object.fromEntries(Array.from(this.books, ([name, book]) => [name, Object.fromEntries(book)]));
  }
}
