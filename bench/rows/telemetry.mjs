// What measuring costs: a measurement by itself, next to others who take them, and a call that is measured or traced.
import { pipeline } from '../../packages/core/dist/index.js';
import {
  collectMetrics,
  createLogger,
  logEvents,
  performanceMonitor,
  prometheusRegistry,
  resilience4jNames,
  tracing,
} from '../../packages/core/dist/telemetry/index.js';
import { ours, work } from '../policies.mjs';
import { decisions } from '../run.mjs';

/** Times of a thousand operations, whole and above 0, as all of them can keep: most short, some long. */
const times = Array.from({ length: 1_024 }, (_, n) => 1 + ((n * 7_919) % 97) + (n % 50 === 0 ? 2_000 : 0));
const MASK = times.length - 1;

/** A candidate that records the next of those times. */
function recording(record) {
  let turn = 0;
  return () => record(times[turn++ & MASK]);
}

const hdr = (use) => {
  const histogram = use('hdr-histogram-js').build({ numberOfSignificantValueDigits: 2 });
  return recording((ms) => histogram.recordValue(ms));
};

const promClient = (use) => {
  const { Histogram, Registry } = use('prom-client');
  const histogram = new Histogram({
    name: 'operation',
    help: 'how long it took',
    labelNames: ['operation'],
    registers: [new Registry()],
  });
  return recording((ms) => histogram.observe({ operation: 'load' }, ms));
};

const five = ['fallback', 'timeout', 'retry', 'breaker', 'bulkhead'];
const fivePolicies = (...more) => pipeline({ name: 'five' }, ...more, ...five.map((kind) => ours[kind]()));
const calling = (calls) => () => calls.execute(work);

const measured = (naming) => () => {
  const calls = fivePolicies();
  collectMetrics({ meter: prometheusRegistry(), ...naming }).watch(calls);
  return calling(calls);
};

const logged = () => {
  const calls = fivePolicies();
  logEvents(calls, createLogger({ write: () => undefined }));
  return calling(calls);
};

/** A tracer as the API has it where there is no SDK: spans that record nothing. */
const idleSpan = {
  spanContext: () => ({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 }),
  setAttribute: () => idleSpan,
  addEvent: () => idleSpan,
  setStatus: () => idleSpan,
  end: () => {},
};
const idleApi = {
  context: { active: () => idleApi, with: (_context, fn) => fn() },
  trace: { setSpan: (context) => context, getSpan: () => undefined, setSpanContext: (context) => context },
};
const traced = () => calling(fivePolicies(tracing({ tracer: { startSpan: () => idleSpan }, api: idleApi })));

export const telemetryRows = [
  {
    name: 'a monitored operation, as a multiple of hdr-histogram-js',
    ceiling: 1,
    digits: 2,
    loop: decisions,
    bareOf: hdr,
    ours: () => {
      const monitor = performanceMonitor();
      return recording((ms) => monitor.record('load', ms));
    },
    rivals: { 'prom-client': promClient },
  },
  {
    name: 'a histogram for Prometheus with a label, as a multiple of prom-client',
    ceiling: 1,
    digits: 2,
    loop: decisions,
    bareOf: promClient,
    ours: () => {
      const histogram = prometheusRegistry().createHistogram('operation');
      return recording((ms) => histogram.record(ms, { operation: 'load' }));
    },
    rivals: {},
  },
  {
    name: 'metrics add to a call under five policies',
    unit: 'ns',
    ceiling: 1_000,
    ours: () => calling(fivePolicies()),
    oursMore: [measured({}), measured({ naming: resilience4jNames })],
    rivals: {},
  },
  {
    name: 'logged events add to a call under five policies that succeeds',
    unit: 'ns',
    ceiling: 1_000,
    ours: () => calling(fivePolicies()),
    oursMore: [logged],
    rivals: {},
  },
  {
    name: 'traces add to a call under five policies, the tracer not counted',
    unit: 'ns',
    ceiling: 1_000,
    ours: () => calling(fivePolicies()),
    oursMore: [traced],
    rivals: {},
  },
];
