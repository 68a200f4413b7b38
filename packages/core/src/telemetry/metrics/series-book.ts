import type { Redactor } from '../../errors/redactor.ts';
import { BoundedSeries } from './bounded-series.ts';
import { UserSeries } from './user-series.ts';

/** Longer values of labels are cut off. */
const MOST_TEXT = 200;

/** The series of all metrics of a collector, bounded alike, and how much was folded in each. */
export class SeriesBook {
  private readonly maxSeries: number;
  private readonly clean: (text: string) => string;
  private readonly foldedBy: Map<string, number> = new Map();

  constructor(maxSeries: number, redact: Redactor) {
    this.maxSeries = maxSeries;
    this.clean = (text) => redact.text(text).slice(0, MOST_TEXT);
  }

  /** The series of a metric. */
  open(metric: string, labels: readonly (string | undefined)[]): BoundedSeries {
    return new BoundedSeries(labels, this.maxSeries, this.clean, () => this.fold(metric));
  }

  /** The series of a metric of the user's own. */
  ofUser(metric: string): UserSeries {
    return new UserSeries(this.maxSeries, this.clean, () => this.fold(metric));
  }

  /** Counts a measurement that was folded. */
  fold(metric: string): void {
    this.foldedBy.set(metric, (this.foldedBy.get(metric) ?? 0) + 1);
  }

  /** How many measurements were folded, by metric. */
  get folded(): ReadonlyMap<string, number> {
    return this.foldedBy;
  }
}
