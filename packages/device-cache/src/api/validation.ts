import type { ProblemFault } from '@breakwater/device-client/contract';
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { ApiError } from './problems.ts';

/** How many faults of one request are told. */
const MOST_FAULTS = 20;

const partNames: Readonly<Record<string, string>> = {
  querystring: 'query',
  params: 'path',
  headers: 'headers',
  body: 'body',
};

/**
 * Checks requests by the contract's schemas. What stands in an address is text, and is read as the number that a schema asks
 * for; bodies are taken as they are.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = '' }) => {
  const checker = Compile(schema);
  const part = partNames[httpPart] ?? httpPart;
  return (given: unknown) => {
    const value = httpPart === 'querystring' ? withNumbers(schema, given) : given;
    if (checker.Check(value)) return { value };
    return { error: invalid(part, checker.Errors(value)) };
  };
};

const WHOLE_NUMBER = /^-?\d{1,16}$/;

/** The query with what is a whole number by the schema as a number; `true`, `0x1` and ` 1` stay texts, and are refused. */
function withNumbers(schema: TSchema, given: unknown): unknown {
  const { properties = {} } = schema as { readonly properties?: Readonly<Record<string, { readonly type?: string }>> };
  const entries = Object.entries(given as Readonly<Record<string, unknown>>);
  return Object.fromEntries(
    entries.map(([name, value]) => {
      const isNumber = properties[name]?.type === 'integer' && typeof value === 'string' && WHOLE_NUMBER.test(value);
      return [name, isNumber ? Number(value) : value];
    }),
  );
}

interface SchemaFault {
  readonly instancePath: string;
  readonly message: string;
}

function invalid(part: string, errors: readonly SchemaFault[]): ApiError {
  const faults = new Map<string, ProblemFault>();
  for (const { instancePath, message } of errors) {
    const path = `${part}${instancePath.replaceAll('/', '.')}`;
    if (!faults.has(path)) faults.set(path, { path, message });
    if (faults.size === MOST_FAULTS) break;
  }
  const told = [...faults.values()];
  const message = told.map((fault) => `${fault.path}: ${fault.message}`).join('; ');
  return new ApiError('INVALID_REQUEST', { message: `The request is not valid: ${message}`, faults: told });
}
