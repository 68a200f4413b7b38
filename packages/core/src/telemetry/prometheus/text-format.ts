/** The text format of Prometheus, version 0.0.4: names, labels and numbers as it writes them. */

/** A name of a metric or of a label as Prometheus allows it. */
export function prometheusName(name: string): string {
  const allowed = name.replaceAll(/\W/g, '_').replaceAll(/_{2,}/g, '_');
  return /^\d/.test(allowed) ? `_${allowed}` : allowed;
}

/** A number; infinities and NaN have names of their own. */
function prometheusNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

/** The text behind `# HELP name`. */
export function helpText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** `name="value"` for each label, in the order of the names; of two whose names become one, both values. */
export function labelText(labels: Readonly<Record<string, unknown>>): string {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(labels).toSorted(byName)) {
    const allowed = prometheusName(name);
    const before = values.get(allowed);
    values.set(allowed, before === undefined ? String(value) : `${before};${String(value)}`);
  }
  return Array.from(values, ([name, value]) => `${name}="${labelValue(value)}"`).join(',');
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

const labelValue = (text: string): string => helpText(text).replaceAll('"', String.raw`\"`);

/** One line: a sample. */
export function sample(name: string, labels: string, value: number): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${prometheusNumber(value)}\n`;
}
