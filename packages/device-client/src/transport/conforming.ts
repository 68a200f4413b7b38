import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { ProblemFault } from '../contract/problem.ts';
import { InvalidResponse } from '../errors/errors.ts';

/** Compiled when first used: an import alone costs nothing. */
const validators: WeakMap<TSchema, Validator> = new WeakMap();

const MOST_FAULTS = 20;

function validatorOf(schema: TSchema): Validator {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = Compile(schema) as Validator;
    validators.set(schema, validator);
  }
  return validator;
}

/** What of a value is not as its schema says, at most twenty faults. */
export function faultsOf(schema: TSchema, value: unknown, path: string): readonly ProblemFault[] {
  const validator = validatorOf(schema);
  if (validator.Check(value)) return [];
  return validator
    .Errors(value)
    .slice(0, MOST_FAULTS)
    .map(({ instancePath, message }) => ({ path: `${path}${instancePath.replaceAll('/', '.')}`, message }));
}

/**
 * The value, when it is as the schema says; fields that the schema doesn't name stay.
 *
 * @param what What was asked: `GET /v1/devices`.
 * @throws InvalidResponse when it is not.
 */
export function conforming<Schema extends TSchema>(schema: Schema, value: unknown, what: string): Static<Schema> {
  if (validatorOf(schema).Check(value)) return value as Static<Schema>;
  const faults = faultsOf(schema, value, 'body');
  const first = faults[0];
  throw new InvalidResponse(
    `${what}: the answer is not what the contract says: ${first?.path ?? 'body'} ${first?.message ?? 'is wrong'}`,
    faults,
  );
}
