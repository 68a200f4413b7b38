import { openTelemetrySuite } from '../../packages/core/test/telemetry/test-support/opentelemetry-suite.ts';
import { sdk2 } from './sdk-2.ts';

openTelemetrySuite('OpenTelemetry SDK 2', sdk2);
