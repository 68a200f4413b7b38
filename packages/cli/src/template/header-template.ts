import { configurationError, usageError } from '../command-line/command-error.ts';
import type { InputRow } from '../input/row.ts';
import { UnfitValue, fill, parseTemplate } from './template.ts';
import { columnText } from './column-text.ts';

/** One request header whose value is filled from the row. */
export interface HeaderTemplate {
  readonly name: string;
  readonly columns: readonly string[];
  /** The value comes from the environment, or its name says that it is a credential: never shown. */
  readonly secret: boolean;
  render(row: InputRow): string;
}

const sensitiveName = /^(authorization|proxy-authorization|cookie|.*(api-?key|token|secret|password|credential).*)$/i;
// What HTTP/1.1 allows in a value; beyond Latin-1 fetch refuses it with an error that quotes the whole value.
const unfitCharacter = /[^\t\x20-\x7e\x80-\xff]/;

/** `Name: value with {{column}}`. */
export function headerTemplate(text: string): HeaderTemplate {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(colon, 0)).trim();
  if (colon === -1) throw usageError(`--header "${maskValue(text)}": expected "Name: value".`);
  checkName(name, '--header');
  const template = parseTemplate(text.slice(colon + 1).trim(), `--header ${name}`);
  const literal = template.parts.join('');
  if (unfitCharacter.test(literal)) {
    throw usageError(
      `--header ${name}: the value holds a control character or one beyond Latin-1, which HTTP forbids.`,
    );
  }
  return {
    name,
    columns: template.slots,
    secret: sensitiveName.test(name),
    render: (row) => fill(template, (column) => headerText(columnText(row, column), column, name)),
  };
}

/** `Name=VARIABLE`: the value is taken from the environment now, and shown nowhere. */
export function secretHeader(text: string, environment: NodeJS.ProcessEnv): HeaderTemplate {
  const [, name, variable] = /^([^=:\s]+)\s*[=:]\s*([A-Za-z_][A-Za-z0-9_]*)$/.exec(text) ?? [];
  // What was given may be the secret itself, so it is not repeated.
  if (name === undefined || variable === undefined) {
    throw usageError(
      '--header-env: expected Name=VARIABLE, for example Authorization=API_TOKEN (the name of the variable, not its value).',
    );
  }
  checkName(name, '--header-env');
  const value = environment[variable]?.trim();
  if (value === undefined || value === '') {
    throw configurationError(
      `--header-env ${name}: the environment variable ${variable} is not set. Set it: export ${variable}=…`,
    );
  }
  if (unfitCharacter.test(value)) {
    throw configurationError(
      `--header-env ${name}: the value of ${variable} holds a character that HTTP forbids in headers.`,
    );
  }
  return { name, columns: [], secret: true, render: () => value };
}

export function isSensitiveHeader(name: string): boolean {
  return sensitiveName.test(name);
}

function checkName(name: string, option: string): void {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw usageError(`${option}: "${name}" is not a header name; letters, digits and - are expected before the colon.`);
  }
  if (/^(host|content-length|transfer-encoding|connection)$/i.test(name)) {
    throw usageError(`${option}: ${name} is set by the HTTP client and cannot be given.`);
  }
}

function headerText(value: string, column: string, header: string): string {
  if (unfitCharacter.test(value)) {
    throw new UnfitValue(
      `column "${column}" holds a line break, a control character or one beyond Latin-1, which header ${header} cannot carry`,
    );
  }
  return value;
}

function maskValue(text: string): string {
  return text.length > 12 ? `${text.slice(0, 12)}…` : text;
}
