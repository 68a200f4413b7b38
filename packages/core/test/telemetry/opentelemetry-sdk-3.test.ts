import { openTelemetrySuite } from './test-support/opentelemetry-suite.ts';
import { sdk3 } from './test-support/sdk-3.ts';

openTelemetrySuite('OpenTelemetry SDK 3', sdk3);
