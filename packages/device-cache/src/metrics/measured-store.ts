/** A store whose operations are timed; what they do stays the same. */
import type { DeviceEntry, DeviceSummary, Device } from '@breakwater/device-client/contract';
import type { Clock } from 'breakwater/clock';
import type { HistogramPort } from 'breakwater/telemetry';
import type { FencedReading } from '../message/fence.ts';
import type {
  ChangeListener,
  ChangesSince,
  DeviceStore,
  ListRequest,
  ListResult,
  Progress,
  ProgressStep,
  StoreInfo,
  WriteOutcome,
} from '../store/store.ts';

/** The series of one operation; frozen, so that a registry knows them again. */
interface OperationSeries {
  readonly successful: Readonly<Record<string, string>>;
  readonly failed: Readonly<Record<string, string>>;
}

type Operation =
  | 'write'
  | 'put'
  | 'delete'
  | 'get'
  | 'list'
  | 'info'
  | 'changes'
  | 'progress'
  | 'advance'
  | 'sweep'
  | 'ping';

const series: Readonly<Record<Operation, OperationSeries>> = {
  write: seriesOf('write'),
  put: seriesOf('put'),
  delete: seriesOf('delete'),
  get: seriesOf('get'),
  list: seriesOf('list'),
  info: seriesOf('info'),
  changes: seriesOf('changes'),
  progress: seriesOf('progress'),
  advance: seriesOf('advance'),
  sweep: seriesOf('sweep'),
  ping: seriesOf('ping'),
};

function seriesOf(operation: string): OperationSeries {
  return {
    successful: Object.freeze({ operation, outcome: 'successful' }),
    failed: Object.freeze({ operation, outcome: 'failed' }),
  };
}

export class MeasuredStore implements DeviceStore {
  readonly kind: string;
  private readonly store: DeviceStore;
  private readonly times: HistogramPort;
  private readonly clock: Clock;

  constructor(store: DeviceStore, times: HistogramPort, clock: Clock) {
    this.kind = store.kind;
    this.store = store;
    this.times = times;
    this.clock = clock;
  }

  write(readings: readonly FencedReading[]): Promise<readonly WriteOutcome[]> {
    return this.timed('write', () => this.store.write(readings));
  }

  put(entries: readonly DeviceEntry[]): Promise<readonly DeviceSummary[]> {
    return this.timed('put', () => this.store.put(entries));
  }

  delete(id: string): Promise<boolean> {
    return this.timed('delete', () => this.store.delete(id));
  }

  get(ids: readonly string[]): Promise<readonly (Device | undefined)[]> {
    return this.timed('get', () => this.store.get(ids));
  }

  getJson(ids: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.timed('get', () => this.store.getJson(ids));
  }

  list(request: ListRequest): Promise<ListResult> {
    return this.timed('list', () => this.store.list(request));
  }

  info(): Promise<StoreInfo> {
    return this.timed('info', () => this.store.info());
  }

  changesSince(position: string | undefined, most: number): Promise<ChangesSince> {
    return this.timed('changes', () => this.store.changesSince(position, most));
  }

  listen(listener: ChangeListener): Promise<() => Promise<void>> {
    return this.store.listen(listener);
  }

  progress(source: string): Promise<Progress> {
    return this.timed('progress', () => this.store.progress(source));
  }

  advance(source: string, steps: readonly ProgressStep[]): Promise<boolean> {
    return this.timed('advance', () => this.store.advance(source, steps));
  }

  sweep(): Promise<number> {
    return this.timed('sweep', () => this.store.sweep());
  }

  setTtl(ttlMs: number): void {
    this.store.setTtl(ttlMs);
  }

  ping(): Promise<void> {
    return this.timed('ping', () => this.store.ping());
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private timed<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    const startedAt = this.clock.now();
    const done = work();
    const { successful, failed } = series[operation];
    const note = (labels: OperationSeries['failed']): void =>
      this.times.record((this.clock.now() - startedAt) / 1_000, labels);
    // Beside the answer, which waits for nothing more.
    void done.then(
      () => note(successful),
      () => note(failed),
    );
    return done;
  }
}
