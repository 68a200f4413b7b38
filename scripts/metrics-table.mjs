// The tables of metrics and of their labels, under both namings.
import { table } from './markdown-table.mjs';

const code = (text) => `\`${text}\``;

/** A label that OpenTelemetry does without says so. */
const labelName = ({ openTelemetry, resilience4j }) =>
  openTelemetry === undefined ? `${code(resilience4j)} (Prometheus)` : code(openTelemetry);

/** All metrics of the catalog: how each is called, of which kind it is, what tells its series apart, what it says. */
export function metricsTable({ metricCatalog, metricLabels }) {
  const rows = Object.values(metricCatalog).map(
    ({ openTelemetry, prometheus, kind, unit, labels, observed, description }) => [
      openTelemetry === undefined ? '–' : code(openTelemetry),
      code(prometheus),
      `${kind}, ${unit}`,
      labels.map((label) => labelName(metricLabels[label])).join(', '),
      observed ? 'when it is collected' : 'as it happens',
      description,
    ],
  );
  return table(['OpenTelemetry', 'Prometheus', 'kind, unit', 'labels', 'taken', 'says'], rows);
}

/** All labels. */
export function labelsTable({ metricLabels }) {
  const rows = Object.values(metricLabels).map(({ openTelemetry, resilience4j, meaning }) => [
    openTelemetry === undefined ? '–' : code(openTelemetry),
    resilience4j === undefined ? '–' : code(resilience4j),
    meaning,
  ]);
  return table(['OpenTelemetry', 'Prometheus', 'is'], rows);
}
