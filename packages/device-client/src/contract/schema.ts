import { type Static, type TSchema, type TUnsafe, Unsafe } from 'typebox';

/** What a schema must be for values of a type: all that it lets through has that type's fields. */
type Fitting<Value, Schema extends TSchema> = Static<Schema> extends Value ? Schema : never;

/**
 * A schema under the name of the type that it checks. The types of the contract are written out, with their meaning, and
 * not derived; this is what holds schema and type together: where the schema lets through what the type doesn't have, it
 * does not compile.
 */
export const schemaOf =
  <Value>() =>
  <Schema extends TSchema>(schema: Fitting<Value, Schema>): TUnsafe<Value> =>
    Unsafe<Value>(schema);
