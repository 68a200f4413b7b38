import type { EventSource } from '../../events/event.ts';

/** `healthy`: all is well; `degraded`: it serves, but not as it should; `unhealthy`: it does not. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

/** What a check found; a status alone stands for one without a message, nothing for `healthy`. */
export interface HealthFinding {
  readonly status: HealthStatus;
  /** Why, for an operator who may be a stranger: it is shown as it is. */
  readonly message?: string | undefined;
  /** Facts for a program; redacted before they are shown. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** What a check is told. */
export interface HealthCheckContext {
  /** Aborted when the check's time is up, or the checks are closed. */
  readonly signal: AbortSignal;
}

/** Looks whether something is well. One that throws or rejects found `unhealthy`. */
export type HealthProbe = (
  context: HealthCheckContext,
) => HealthFinding | HealthStatus | void | Promise<HealthFinding | HealthStatus | void>;

/** One thing to look at. */
export interface HealthCheck {
  /** Looks whether it is well. */
  readonly check: HealthProbe;
  /** How long it may take, in milliseconds, above 0; default: that of all checks. */
  readonly timeoutMs?: number | undefined;
  /** For how long what it found is taken for the present, in milliseconds; default: that of all checks. */
  readonly cacheMs?: number | undefined;
  /** Names of checks without which this one means nothing: it runs after them, and not at all while one is unhealthy. */
  readonly dependsOn?: readonly string[] | undefined;
  /**
   * What it is asked for, `readiness`, `liveness` or both. `readiness`: whether requests should come here; a database that is
   * away belongs here. `liveness`: whether the process should be restarted; only what a restart mends belongs here.
   * Default: `readiness`.
   */
  readonly probes?: readonly HealthProbeKind[] | undefined;
  /** Whether the whole is unhealthy when this is; otherwise it is degraded. Default true. */
  readonly critical?: boolean | undefined;
}

/** What is asked: whether requests should come, or whether the process should be restarted. */
export type HealthProbeKind = 'liveness' | 'readiness';

/** What is known of one check. */
export interface HealthCheckReport {
  readonly status: HealthStatus;
  readonly message?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** How long it took; 0 for one that was not run. */
  readonly durationMs: number;
  /** How old what it found is; 0 for one that was run just now. */
  readonly ageMs: number;
  readonly critical: boolean;
}

/** What is known of the whole. */
export interface HealthReport {
  /** The worst of its checks; of one that is not critical `degraded` at worst. `healthy` without any. */
  readonly status: HealthStatus;
  /** By name, in the order in which they depend on each other. */
  readonly checks: Readonly<Record<string, HealthCheckReport>>;
  /** ISO 8601, in UTC. */
  readonly timestamp: string;
}

/** Another status than before was found. */
export interface HealthChangedEvent {
  /** Which check; undefined for the whole. */
  readonly check: string | undefined;
  readonly from: HealthStatus;
  readonly to: HealthStatus;
  readonly message: string | undefined;
}

/** The events of health checks. */
export interface HealthEvents {
  'health-changed': HealthChangedEvent;
}

/** Looks whether a service is well; see {@link healthChecks}. */
export interface HealthChecks {
  readonly events: EventSource<HealthEvents>;
  /** Runs all checks whose last finding is too old, those that can at once; never rejects. */
  check(): Promise<HealthReport>;
  /** The same for the checks of one kind, and those that they depend on. */
  check(kind: HealthProbeKind): Promise<HealthReport>;
  /** Aborts what runs; from then on every report is `unhealthy`, and nothing is run any more. */
  close(): void;
}
