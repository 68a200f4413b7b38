// The table, for people.

const format = (value, unit) => {
  if (typeof value === 'string') return `not run: ${value}`;
  return unit === 'bytes' || unit === 'ns'
    ? Math.round(value).toLocaleString('en')
    : value.toFixed(Math.abs(value) < 20 ? 1 : 0);
};

/** Whether a row's ceiling is met, and by how much it is not. */
export function verdict({ ours, ceiling, unit }) {
  const above = ours - ceiling;
  // What the table shows is what is compared: 3.41 is a 3.4.
  if (above < (unit === 'bytes' || unit === 'ns' ? 0.5 : 0.05)) return 'met';
  return `above by ${format(above, unit)}`;
}

export function table(results) {
  const lines = results.map((result) => [
    result.name,
    format(result.ours, result.unit),
    format(result.ceiling, result.unit),
    verdict(result),
    Object.entries(result.rivals)
      .map(([name, value]) => `${name} ${format(value, result.unit)}`)
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
