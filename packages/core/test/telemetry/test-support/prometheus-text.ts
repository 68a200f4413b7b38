import parse from 'parse-prometheus-text-format';

/** A family as an independent parser reads it. */
export interface ParsedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly metrics: readonly ParsedSeries[];
}

/** A series of it. Of histograms the parser tells one only: {@link samplesOf} has them all. */
export interface ParsedSeries {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value?: string;
}

/** Reads a text in Prometheus' format. */
export function parsePrometheus(text: string): readonly ParsedFamily[] {
  return (parse as (text: string) => readonly ParsedFamily[])(text);
}

/** Each line of a text by its name, those of a histogram's buckets, sums and counts each by theirs. */
export function samplesOf(text: string): ReadonlyMap<string, readonly ParsedSeries[]> {
  const untyped = text.replaceAll(/^# (?:HELP|TYPE|UNIT) .*\n/gm, '');
  const samples = new Map<string, ParsedSeries[]>();
  for (const { name, metrics } of parsePrometheus(untyped))
    samples.set(name, [...(samples.get(name) ?? []), ...metrics]);
  return samples;
}

/** A text as something that two writers of the same data agree on, whatever the order of families, series and labels. */
export function comparable(text: string): unknown {
  const families = parsePrometheus(text).map(({ name, help, type }) => `${name} ${type} ${help}`);
  const samples = Array.from(samplesOf(text), ([name, series]) => [
    name,
    series.map(({ labels = {}, value }) => JSON.stringify([inOrder(Object.entries(labels)), value])).toSorted(),
  ]);
  return { families: families.toSorted(), samples: Object.fromEntries(samples) as unknown };
}

const inOrder = <T>(entries: readonly (readonly [string, T])[]): readonly (readonly [string, T])[] =>
  entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
