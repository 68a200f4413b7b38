// Tables as the formatter writes them.

/** A table with columns padded to the widest cell. */
export function table(headings, rows) {
  const lines = [headings, ...rows].map((cells) => cells.map(escaped));
  const widths = headings.map((_, column) => Math.max(3, ...lines.map((cells) => width(cells[column]))));
  const line = (cells) => `| ${cells.map((cell, column) => padded(cell, widths[column])).join(' | ')} |`;
  const rule = `| ${widths.map((wide) => '-'.repeat(wide)).join(' | ')} |`;
  const [head, ...body] = lines;
  return [line(head), rule, ...body.map(line)].join('\n');
}

const escaped = (cell) => cell.replaceAll('|', '\\|');
const width = (cell) => [...cell].length;
const padded = (cell, wide) => cell + ' '.repeat(wide - width(cell));
