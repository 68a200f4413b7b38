/**
 * Whether a service is well, asked by those who route requests to it and restart it. Each check runs when it is asked for
 * and its last finding is too old, once for all who ask meanwhile, after those that it depends on. One that does not end
 * in its time is unhealthy, and is not begun again as long as it has not ended: a check that hangs hangs once.
 */
import type { Clock, MonotonicMs } from '../../clock/clock.ts';
import { systemClock } from '../../clock/system-clock.ts';
import { errorJson } from '../../errors/error-output.ts';
import { defaultRedactor } from '../../errors/redactor.ts';
import type { EventSource } from '../../events/event.ts';
import { OwnerChannel } from '../../events/owner-channel.ts';
import type {
  HealthCheckReport,
  HealthChecks,
  HealthEvents,
  HealthFinding,
  HealthProbeKind,
  HealthReport,
  HealthStatus,
} from './health.ts';
import { type HealthChecksOptions, type ResolvedCheck, resolveHealthOptions } from './options.ts';

/**
 * Puts health checks together.
 *
 * @throws ConfigurationError when a check depends on one that is not there, or on itself by way of others.
 */
export function healthChecks(options: HealthChecksOptions): HealthChecks {
  return new Checks(options);
}

const ORDER: readonly HealthStatus[] = ['healthy', 'degraded', 'unhealthy'];
const worse = (one: HealthStatus, other: HealthStatus): HealthStatus =>
  ORDER[Math.max(ORDER.indexOf(one), ORDER.indexOf(other))]!;

/** A finding that is taken for the present until it is too old. */
interface Found extends HealthFinding {
  readonly durationMs: number;
  readonly at: MonotonicMs;
}

class Checks implements HealthChecks {
  private readonly channel: OwnerChannel<HealthEvents>;
  private readonly clock: Clock;
  private readonly checks: ReadonlyMap<string, Check>;
  private readonly last: Map<HealthProbeKind | undefined, HealthStatus> = new Map();
  private closed = false;

  constructor(given: HealthChecksOptions) {
    const { checks, clock = systemClock, foreignMessages } = resolveHealthOptions(given);
    this.clock = clock;
    this.channel = new OwnerChannel(undefined, () => clock);
    const made = new Map<string, Check>();
    for (const [name, options] of checks) {
      const dependencies = options.dependsOn.map((other) => made.get(other)!);
      made.set(name, new Check(name, options, dependencies, clock, foreignMessages));
    }
    this.checks = made;
  }

  get events(): EventSource<HealthEvents> {
    return this.channel;
  }

  async check(kind?: HealthProbeKind): Promise<HealthReport> {
    const chosen = this.chosen(kind);
    // What is known already is seen before anything is run.
    const found = await Promise.all(chosen.map((check) => check.find()));
    let status: HealthStatus = this.closed ? 'unhealthy' : 'healthy';
    const reports: [string, HealthCheckReport][] = [];
    for (const [index, check] of chosen.entries()) {
      const report = check.report(found[index]!);
      reports.push([check.name, report]);
      status = worse(status, report.critical || report.status === 'healthy' ? report.status : 'degraded');
      this.tell(check, report);
    }
    this.tellWhole(kind, status);
    return { status, checks: Object.fromEntries(reports), timestamp: new Date(this.clock.wallTime()).toISOString() };
  }

  close(): void {
    this.closed = true;
    for (const check of this.checks.values()) check.close();
  }

  /** In order, those included on which others depend. */
  private chosen(kind: HealthProbeKind | undefined): Check[] {
    const wanted = new Set<Check>();
    const add = (check: Check): void => {
      wanted.add(check);
      for (const other of check.dependencies) add(other);
    };
    for (const check of this.checks.values()) if (kind === undefined || check.options.probes.includes(kind)) add(check);
    return [...this.checks.values()].filter((check) => wanted.has(check));
  }

  private tell(check: Check, { status, message }: HealthCheckReport): void {
    const from = check.told;
    check.told = status;
    if (from !== status) this.channel.tell('health-changed', { check: check.name, from, to: status, message });
  }

  private tellWhole(kind: HealthProbeKind | undefined, to: HealthStatus): void {
    const from = this.last.get(kind) ?? 'healthy';
    this.last.set(kind, to);
    if (from !== to) this.channel.tell('health-changed', { check: undefined, from, to, message: undefined });
  }
}

class Check {
  readonly name: string;
  readonly options: ResolvedCheck;
  readonly dependencies: readonly Check[];
  /** What was told of it last. */
  told: HealthStatus = 'healthy';
  private readonly clock: Clock;
  private readonly foreignMessages: boolean;
  private found: Found | undefined = undefined;
  /** What all who ask meanwhile wait for. */
  private finding: Promise<Found> | undefined = undefined;
  /** Of the run that has not ended, also where nobody waits for it any more. */
  private running: AbortController | undefined = undefined;
  private closed = false;

  constructor(
    name: string,
    options: ResolvedCheck,
    dependencies: readonly Check[],
    clock: Clock,
    foreignMessages: boolean,
  ) {
    this.name = name;
    this.options = options;
    this.dependencies = dependencies;
    this.clock = clock;
    this.foreignMessages = foreignMessages;
  }

  /** What it found last, where that is not too old, or what it finds now. */
  find(): Promise<Found> {
    const { found, finding } = this;
    if (finding !== undefined) return finding;
    if (this.closed) return Promise.resolve(this.note('unhealthy', 'closed'));
    if (found !== undefined && this.clock.now() - found.at < this.options.cacheMs) return Promise.resolve(found);
    const next = this.afterDependencies().then((made) => {
      this.finding = undefined;
      return (this.found = made);
    });
    this.finding = next;
    return next;
  }

  report({ status, message, details, durationMs, at }: Found): HealthCheckReport {
    return {
      status,
      ...(message !== undefined && { message }),
      ...(details !== undefined && { details }),
      durationMs,
      ageMs: Math.max(0, this.clock.now() - at),
      critical: this.options.critical,
    };
  }

  close(): void {
    this.closed = true;
    this.running?.abort(new DOMException('the health checks are closed', 'AbortError'));
  }

  private async afterDependencies(): Promise<Found> {
    const before = await Promise.all(this.dependencies.map((check) => check.find()));
    const failed = this.dependencies.find((_, index) => before[index]!.status === 'unhealthy');
    if (failed !== undefined) return this.note('unhealthy', `not checked: ${failed.name} is unhealthy`);
    if (this.closed) return this.note('unhealthy', 'closed');
    if (this.running !== undefined) return this.note('unhealthy', 'the check before this one has not ended yet');
    return this.run();
  }

  private run(): Promise<Found> {
    const startedAt = this.clock.now();
    const controller = new AbortController();
    const { signal } = controller;
    this.running = controller;
    const { timeoutMs, check } = this.options;
    return new Promise((resolve) => {
      const settle = (finding: HealthFinding): void => {
        timer.cancel();
        signal.removeEventListener('abort', closed);
        resolve(this.note(finding.status, finding.message, finding.details, startedAt));
      };
      const closed = (): void => settle({ status: 'unhealthy', message: 'closed' });
      const tooLong = (): void => {
        settle({ status: 'unhealthy', message: `no answer within ${timeoutMs} ms` });
        controller.abort(new DOMException(`the health check took more than ${timeoutMs} ms`, 'TimeoutError'));
      };
      // A check that hangs is no reason for a program to stay.
      const timer = this.clock.setTimer(timeoutMs, tooLong, true);
      signal.addEventListener('abort', closed);
      const ended = (finding: HealthFinding): void => {
        this.running = undefined;
        settle(finding);
      };
      // In a microtask, so that one that throws at once rejects too.
      Promise.resolve()
        .then(() => check({ signal }))
        .then(
          (answer) => ended(findingOf(answer)),
          (error: unknown) => ended({ status: 'unhealthy', message: this.messageOf(error) }),
        );
    });
  }

  private messageOf(error: unknown): string {
    return errorJson(error, { foreignMessages: this.foreignMessages }).error.message;
  }

  private note(
    status: HealthStatus,
    message: string | undefined,
    details?: Readonly<Record<string, unknown>>,
    startedAt?: number,
  ): Found {
    const at = this.clock.now();
    // Together, so that what is secret in the details is found in the message too.
    const clean = defaultRedactor.value({ message, details }) as Pick<HealthFinding, 'message' | 'details'>;
    return { status, ...clean, durationMs: startedAt === undefined ? 0 : at - startedAt, at };
  }
}

function findingOf(answer: HealthFinding | HealthStatus | void): HealthFinding {
  const finding = typeof answer === 'object' ? answer : { status: answer ?? 'healthy' };
  // What a check says that knows no types is not taken for good health.
  if (ORDER.includes(finding.status)) return finding;
  return { status: 'unhealthy', message: `the check answered neither ${ORDER.join(' nor ')}` };
}
