import { usageError } from '../command-line/command-error.ts';
import type { InputRow } from '../input/row.ts';
import { bodyTemplate, rowAsBody } from './body-template.ts';
import type { BodyTemplate } from './body-template.ts';
import { headerTemplate, secretHeader } from './header-template.ts';
import type { HeaderTemplate } from './header-template.ts';
import { urlTemplate } from './url-template.ts';

/** What the user said about the request. */
export interface RequestOptions {
  readonly url: string;
  /** Default: POST. */
  readonly method: string | undefined;
  /** Default: the row as JSON for POST, PUT and PATCH, none for other methods. */
  readonly body: string | undefined;
  readonly headers: readonly string[];
  readonly secretHeaders: readonly string[];
}

export interface RenderedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

export interface RequestTemplate {
  readonly method: string;
  /** Columns that the templates name, each once, with the option that names it. */
  readonly columns: ReadonlyMap<string, string>;
  /** Headers without the credentials among them, as they were given. */
  readonly plainHeaders: readonly string[];
  /** Values that must never be shown. */
  readonly secrets: readonly string[];
  /** @throws UnfitValue when a value cannot stand where the template wants it. */
  render(row: InputRow): RenderedRequest;
  /** As `render`, with credentials masked: for people. */
  renderMasked(row: InputRow): RenderedRequest;
}

const methodsWithRowAsBody = new Set(['POST', 'PUT', 'PATCH']);
const methods = new Set([...methodsWithRowAsBody, 'GET', 'HEAD', 'DELETE', 'OPTIONS']);

export function requestTemplate(options: RequestOptions, environment: NodeJS.ProcessEnv): RequestTemplate {
  const method = (options.method ?? 'POST').toUpperCase();
  if (!methods.has(method))
    throw usageError(`--method: expected one of ${[...methods].join(', ')}, got "${options.method}".`);
  const url = urlTemplate(options.url);
  const given = options.headers.map(headerTemplate);
  const secret = options.secretHeaders.map((text) => secretHeader(text, environment));
  const contentType = given.find((header) => header.name.toLowerCase() === 'content-type');
  const headers = [...given, ...secret].filter((header) => header !== contentType);
  const body = requestBody(options.body, method, contentType);
  const columns = namedColumns(url.columns, headers, body);

  const renderWith = (row: InputRow, value: (header: HeaderTemplate) => string): RenderedRequest => {
    const rendered: Record<string, string> = {};
    if (body !== undefined) rendered['content-type'] = body.contentType;
    for (const header of headers) rendered[header.name.toLowerCase()] = value(header);
    return { method, url: url.render(row), headers: rendered, body: body?.render(row) };
  };
  return {
    method,
    columns,
    plainHeaders: options.headers.filter((_, index) => given[index]?.secret === false),
    secrets: secret.map((header) => header.render(noRow)),
    render: (row) => renderWith(row, (header) => header.render(row)),
    renderMasked: (row) => renderWith(row, (header) => (header.secret ? '***' : header.render(row))),
  };
}

/** Secrets have no slots, so no row is looked at. */
const noRow = undefined as unknown as InputRow;

function requestBody(
  text: string | undefined,
  method: string,
  contentType: HeaderTemplate | undefined,
): BodyTemplate | undefined {
  if (contentType !== undefined && contentType.columns.length > 0) {
    throw usageError(
      '--header Content-Type: a column cannot stand here, because the type decides how the body is escaped.',
    );
  }
  const type = contentType?.render(noRow);
  if (text !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw usageError(`--body: ${method} requests carry no body. Say --method POST, or put the columns into --url.`);
  }
  if (text !== undefined) return bodyTemplate(text, type);
  return methodsWithRowAsBody.has(method) ? rowAsBody(type) : undefined;
}

function namedColumns(
  inUrl: readonly string[],
  headers: readonly HeaderTemplate[],
  body: BodyTemplate | undefined,
): Map<string, string> {
  const columns = new Map<string, string>();
  for (const column of body?.columns ?? []) columns.set(column, '--body');
  for (const header of headers) for (const column of header.columns) columns.set(column, `--header ${header.name}`);
  for (const column of inUrl) columns.set(column, '--url');
  return columns;
}
