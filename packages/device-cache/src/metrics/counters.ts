/** Numbers for `/metrics`, in Prometheus's text format: counters and gauges, by name and labels. */

export type Labels = Readonly<Record<string, string>>;

/** One number, to be changed without looking it up again. */
export interface Cell {
  value: number;
}

/** What the service counts; names are written with `breakwater_device_cache_` before them. */
export type CounterName =
  | 'readings_total'
  | 'http_requests_total'
  | 'http_request_seconds_total'
  | 'near_cache_total'
  | 'store_reads_total'
  | 'store_up'
  | 'source_up'
  | 'devices'
  | 'stream_readers'
  | 'dead_letters_total';

interface Definition {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
}

const definitions: Readonly<Record<CounterName, Definition>> = {
  readings_total: { type: 'counter', help: 'Readings taken in, by source and by what became of them' },
  http_requests_total: { type: 'counter', help: 'Answered requests, by method, route and status' },
  http_request_seconds_total: { type: 'counter', help: 'Time spent answering, by method and route' },
  near_cache_total: { type: 'counter', help: 'Questions to the near cache, by outcome' },
  store_reads_total: { type: 'counter', help: 'Devices asked of the store, by outcome' },
  store_up: { type: 'gauge', help: '1 while the store answers' },
  source_up: { type: 'gauge', help: '1 while a source delivers, by source' },
  devices: { type: 'gauge', help: 'Devices in the store' },
  stream_readers: { type: 'gauge', help: 'Open streams of changes' },
  dead_letters_total: { type: 'counter', help: 'Bad messages that were buried' },
};

const PREFIX = 'breakwater_device_cache_';

/** How many combinations of labels one name may have; more are counted together. */
const MOST_SERIES = 1_000;
const OTHERS = 'other';

export class Counters {
  private readonly series: Map<CounterName, Map<string, Cell>> = new Map();

  /** Adds to a counter. */
  add(name: CounterName, labels: Labels, amount: number = 1): void {
    this.cell(name, labels).value += amount;
  }

  /** Sets a gauge, or a counter that somebody else counts. */
  set(name: CounterName, labels: Labels, value: number): void {
    this.cell(name, labels).value = value;
  }

  /** The number itself, for whoever changes it often. */
  cell(name: CounterName, labels: Labels): Cell {
    let of = this.series.get(name);
    if (of === undefined) this.series.set(name, (of = new Map()));
    const key = textOf(labels);
    const known = of.get(key);
    if (known !== undefined) return known;
    const isFull = of.size >= MOST_SERIES;
    const others = Object.fromEntries(Object.keys(labels).map((label) => [label, OTHERS]));
    if (isFull && key !== textOf(others)) return this.cell(name, others);
    const made = { value: 0 };
    of.set(key, made);
    return made;
  }

  /** Everything, as `/metrics` tells it. */
  expose(): string {
    const lines: string[] = [];
    for (const [name, { type, help }] of Object.entries(definitions)) {
      const of = this.series.get(name as CounterName);
      if (of === undefined) continue;
      lines.push(`# HELP ${PREFIX}${name} ${help}`, `# TYPE ${PREFIX}${name} ${type}`);
      for (const [labels, { value }] of of) lines.push(`${PREFIX}${name}${labels} ${value}`);
    }
    return `${lines.join('\n')}\n`;
  }
}

function textOf(labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
