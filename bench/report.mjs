// The table, for people.

/** Bytes and nanoseconds are told without a fraction. */
const isWhole = (unit) => unit === 'bytes' || unit === 'ns';

const format = (value, { unit, digits = 1 }) => {
  if (typeof value === 'string') return `not run: ${value}`;
  if (isWhole(unit)) return Math.round(value).toLocaleString('en');
  if (unit === 'count') return value.toLocaleString('en', { maximumFractionDigits: 1 });
  return value.toFixed(Math.abs(value) < 20 ? digits : 0);
};

/** Whether a row's ceiling is met, and by how much it is not. */
export function verdict(result) {
  const { ours, ceiling, unit, digits = 1 } = result;
  const above = ours - ceiling;
  // What the table shows is what is compared: 3.41 is a 3.4.
  if (above < (isWhole(unit) ? 0.5 : 0.5 / 10 ** digits)) return 'met';
  return `above by ${format(above, result)}`;
}

export function table(results) {
  const lines = results.map((result) => [
    result.name,
    format(result.ours, result),
    format(result.ceiling, result),
    verdict(result),
    Object.entries(result.rivals)
      .map(([name, value]) => `${name} ${format(value, result)}`)
      .join(', ') || '–',
  ]);
  const all = [['', 'ours', 'ceiling', 'verdict', 'others'], ...lines];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...all.map((line) => line[at].length)));
  const row = ([name, ours, ceiling, result, others]) =>
    [
      name.padEnd(widths[0]),
      ours.padStart(widths[1]),
      ceiling.padStart(widths[2]),
      result.padEnd(widths[3]),
      others,
    ].join('  ');
  return all.map((line) => row(line).trimEnd()).join('\n');
}
