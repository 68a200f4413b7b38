/**
 * Conditions on errors, where code has a function: one by its name, or what the errors carry that are meant:
 * `{ statuses: [429, 503], codes: [ECONNRESET], categories: [timeout] }`.
 */
import { builtInCategories } from '../errors/category.ts';
import { classify } from '../errors/classify.ts';
import { isOverload } from '../gates/overload.ts';
import { isRetryable } from '../gates/retryable.ts';
import { isDatabaseFailure, isTransient, isTransientDatabaseError, isUpstreamFailure } from '../presets/transient.ts';
import { list, object } from './composite-fields.ts';
import { choice, type Field, isObject, status, text } from './fields.ts';

type Condition = (error: unknown) => boolean;

/** What errors carry; one of these is enough. */
interface Carried {
  readonly statuses?: readonly number[];
  readonly codes?: readonly string[];
  readonly categories?: readonly string[];
}

/** A condition as it was read. */
export type ConditionSpec = string | Carried;

const conditions: Readonly<Record<string, Condition>> = {
  any: () => true,
  retryable: isRetryable,
  transient: isTransient,
  'transient-database': isTransientDatabaseError,
  upstream: isUpstreamFailure,
  database: isDatabaseFailure,
  overload: isOverload,
};

const carried = object('Errors that carry one of these.', {
  statuses: list('HTTP statuses of answers that the errors stand for.', status('An HTTP status.')),
  codes: list('Codes of the errors or of their causes: HTTP_503, ECONNRESET.', text('A code.')),
  categories: list(
    'Kinds of trouble, as `classify` tells them.',
    choice('A kind of trouble.', ...Object.keys(builtInCategories)),
  ),
});

/** That one of the lists is there. */
const lists = ['statuses', 'codes', 'categories'].map((name) => ({
  properties: { [name]: { type: 'array' } },
  required: [name],
}));

/** A condition: one of these names, or an object that says what the errors carry. */
export function condition(about: string, ...names: readonly string[]): Field<ConditionSpec> {
  const byName = choice(about, ...names);
  return {
    schema: { description: about, anyOf: [{ enum: names }, { ...carried.schema, anyOf: lists }] },
    read(value, path, faults) {
      if (!isObject(value)) return byName.read(value, path, faults);
      const read = carried.read(value, path, faults);
      if (read === undefined || Object.keys(read).length > 0) return read;
      return faults.add(path, 'statuses, codes or categories', value);
    },
  };
}

/** The function that a condition stands for. */
export function conditionOf(spec: ConditionSpec): Condition {
  return typeof spec === 'string' ? conditions[spec]! : carries(spec);
}

/** The same for another try: an error that says that none may be made is never meant. */
export function retryConditionOf(spec: ConditionSpec): Condition {
  const meant = conditionOf(spec);
  return (error) => isRetryable(error) && meant(error);
}

function carries(spec: Carried): Condition {
  const statuses = new Set<unknown>(spec.statuses);
  const codes = new Set<unknown>(spec.codes);
  const categories = new Set<unknown>(spec.categories);
  return (error) => {
    const kind = classify(error);
    if (statuses.has(kind.status) || codes.has(kind.code) || categories.has(kind.category)) return true;
    return codes.size > 0 && codesOf(error).some((code) => codes.has(code));
  };
}

/** How far causes are followed. */
const MOST_CAUSES = 5;

/** The codes of an error and of its causes, as whoever made them wrote them. */
function codesOf(error: unknown): readonly unknown[] {
  const codes: unknown[] = [];
  let asked = error as { readonly code?: unknown; readonly cause?: unknown } | null | undefined;
  for (let depth = 0; depth <= MOST_CAUSES && typeof asked === 'object' && asked !== null; depth++) {
    codes.push(asked.code);
    asked = asked.cause as typeof asked;
  }
  return codes;
}
