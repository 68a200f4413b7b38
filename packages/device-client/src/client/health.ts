import type { HealthCause, HealthLevel, HealthStatus } from '../contract/state.ts';

/** How it is when the cache did not answer. */
export function unreachable(error: unknown, component: string, checkedAt: string): HealthStatus {
  const message = error instanceof Error ? error.message : String(error);
  return { status: 'unhealthy', causes: [{ component, status: 'unhealthy', message }], checkedAt };
}

const LEVELS: readonly HealthLevel[] = ['healthy', 'degraded', 'unhealthy'];

/** The same with one cause more: it is at least as bad as that. */
export function withCause(health: HealthStatus, cause: HealthCause): HealthStatus {
  const worse = LEVELS.indexOf(cause.status) > LEVELS.indexOf(health.status);
  return { ...health, status: worse ? cause.status : health.status, causes: [...health.causes, cause] };
}
