import type { HealthStatus } from '@breakwater/device-client/contract';
import type { Clock } from 'breakwater/clock';
import type { Logger } from 'pino';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Intake } from '../intake/intake.ts';
import type { MessageRules } from '../message/reading-message.ts';
import type { ServiceMetrics } from '../metrics/service-metrics.ts';
import type { NearCache } from '../near-cache/near-cache.ts';
import type { DeviceStore } from '../store/store.ts';
import type { Access } from './access.ts';

/** What the API speaks for. */
export interface ApiParts {
  readonly configuration: Configuration['api'];
  readonly store: DeviceStore;
  readonly nearCache: NearCache;
  readonly feed: ChangeFeed;
  readonly intake: Intake;
  readonly access: Access;
  readonly metrics: ServiceMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly rules: () => MessageRules;
  readonly health: () => Promise<HealthStatus>;
  /** Whether the service is on its way out. */
  readonly isDraining: () => boolean;
}
