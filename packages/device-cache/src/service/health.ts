/** How well the service is: unhealthy without its store, degraded without a source, and unhealthy on its way out. */
import type { HealthStatus } from '@breakwater/device-client/contract';
import type { Clock } from 'breakwater/clock';
import { type HealthCheck, healthChecks, type HealthChecks } from 'breakwater/telemetry';
import type { MessageSource } from '../intake/message-source.ts';
import type { Counters } from '../metrics/counters.ts';
import type { DeviceStore } from '../store/store.ts';

/** What is looked at. */
export interface ServiceHealthParts {
  readonly store: DeviceStore;
  readonly sources: readonly MessageSource[];
  readonly counters: Counters;
  readonly clock: Clock;
  readonly isDraining: () => boolean;
}

/** A look is good for so long: who asks often doesn't load the store. */
const LOOK_MS = 500;

export class ServiceHealth {
  private readonly parts: ServiceHealthParts;
  private readonly checks: HealthChecks;

  constructor(parts: ServiceHealthParts) {
    this.parts = parts;
    const { store, sources, clock, isDraining } = parts;
    this.checks = healthChecks({
      clock,
      cacheMs: LOOK_MS,
      checks: {
        store: () => store.ping(),
        ...Object.fromEntries(sources.map((source) => [componentOf(source), checkOf(source)])),
        service: {
          check: () => (isDraining() ? { status: 'unhealthy', message: 'the service is shutting down' } : 'healthy'),
          cacheMs: 0,
        },
      },
    });
  }

  async look(): Promise<HealthStatus> {
    const { status, checks, timestamp } = await this.checks.check();
    this.count(checks['store']?.status === 'healthy');
    const causes = Object.entries(checks)
      .filter(([, found]) => found.status !== 'healthy')
      .map(([component, found]) => ({ component, status: found.status, message: found.message ?? found.status }));
    return { status, causes, checkedAt: timestamp };
  }

  close(): void {
    this.checks.close();
  }

  private count(isStoreUp: boolean): void {
    const { counters, sources } = this.parts;
    counters.set('store_up', {}, isStoreUp ? 1 : 0);
    for (const { name, state } of sources)
      counters.set('source_up', { source: name }, state.status === 'healthy' ? 1 : 0);
  }
}

/** `kafka` of `kafka:iot_validated_data`. */
const componentOf = ({ name }: MessageSource): string => name.split(':', 1)[0]!;

/** What was kept is served without new messages too. */
const checkOf = (source: MessageSource): HealthCheck => ({ critical: false, cacheMs: 0, check: () => source.state });
