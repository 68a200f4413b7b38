import { BreakwaterError, type BreakwaterErrorOptions } from './breakwater-error.ts';
import { builtInCategories, type CategoryDefinition, type ErrorCategory } from './category.ts';
import { type Classification, classify } from './classify.ts';
import { ConfigurationError, type ConfigurationFault } from './configuration-error.ts';

/** An error of an application. */
export interface ErrorDefinition {
  /** Stable, in capitals: `OUT_OF_STOCK`. */
  readonly code: string;
  /** One of the library's categories, or one that the catalog was given. */
  readonly category: ErrorCategory;
  /** What it is about, the same for every such error; default: the category's. */
  readonly title?: string | undefined;
  /** The HTTP status of a response that tells of it; default: the category's. */
  readonly status?: number | undefined;
  /** Whether another try may help; default: the category's. */
  readonly retryable?: boolean | undefined;
  /** A URI that says more, the `type` of its problem details; default: `about:blank`. */
  readonly type?: string | undefined;
}

/** What an application adds to the library's errors. */
export interface ErrorCatalogOptions {
  /** Categories of its own by name. */
  readonly categories?: Readonly<Record<string, CategoryDefinition>> | undefined;
  /** Its errors. */
  readonly errors?: readonly ErrorDefinition[] | undefined;
  /** Knows errors that `classify` doesn't; asked before it. Undefined for what it doesn't know either; when it throws, it knows nothing. */
  readonly classify?: ((error: unknown) => Classification | undefined) | undefined;
}

/** What is known of an error for a response. */
export interface ErrorPresentation {
  readonly title: string;
  readonly status: number;
  readonly type: string;
}

/** The errors of the library and of an application; see {@link errorCatalog}. */
export interface ErrorCatalog {
  /** Adds errors, such as those of a module that is loaded later. Throws a ConfigurationError when one can't be meant or is there already. */
  register(...errors: readonly ErrorDefinition[]): void;
  /** The definition of a code that was registered. */
  definition(code: string): ErrorDefinition | undefined;
  /** What is known of a category. */
  category(name: ErrorCategory): CategoryDefinition | undefined;
  /** Makes an error of a code that was registered; its message is the title unless one is given. */
  error(code: string, facts?: ErrorOccurrence): BreakwaterError;
  /** As `classify`, with the application's own errors known. */
  classify(error: unknown): Classification;
  /** Title, status and type of an error of this kind. */
  presentation(kind: Pick<Classification, 'category' | 'code' | 'status'>): ErrorPresentation;
}

/** What is particular to one occurrence of an error. */
export type ErrorOccurrence = Omit<BreakwaterErrorOptions, 'code' | 'category'> & {
  readonly message?: string | undefined;
};

/**
 * A catalog of errors: those of the library, and an application's own. There is no global one; pass yours to
 * `errorJson`, `problemDetails` and `errorLogEntry`.
 *
 * @throws ConfigurationError with all faults at once.
 */
export function errorCatalog(options: ErrorCatalogOptions = {}): ErrorCatalog {
  return new RegisteredErrors(options);
}

class RegisteredErrors implements ErrorCatalog {
  private readonly categories: ReadonlyMap<string, CategoryDefinition>;
  private readonly own: ((error: unknown) => Classification | undefined) | undefined;
  private readonly definitions: Map<string, ErrorDefinition> = new Map();

  constructor({ categories = {}, errors = [], classify: own }: ErrorCatalogOptions) {
    this.categories = new Map([...Object.entries(builtInCategories), ...Object.entries(categories)]);
    this.own = own;
    const taken = Object.keys(categories).filter((name) => Object.hasOwn(builtInCategories, name));
    const faults = taken.map((name) => ({
      path: `errorCatalog.categories.${name}`,
      expected: 'a name that is not one of the library',
      received: 'one that is',
    }));
    this.add(errors, faults);
  }

  register(...errors: readonly ErrorDefinition[]): void {
    this.add(errors, []);
  }

  definition(code: string): ErrorDefinition | undefined {
    return this.definitions.get(code);
  }

  category(name: ErrorCategory): CategoryDefinition | undefined {
    return this.categories.get(name);
  }

  error(code: string, { message, ...facts }: ErrorOccurrence = {}): BreakwaterError {
    const definition = this.definitions.get(code);
    if (definition === undefined) {
      const expected = 'the code of an error that was registered';
      throw new ConfigurationError([{ path: 'errorCatalog.error', expected, received: `'${code}'` }]);
    }
    const { title } = this.presentation(definition);
    return new BreakwaterError(message ?? title, { ...facts, code, category: definition.category });
  }

  classify(error: unknown): Classification {
    const kind = this.ownKind(error) ?? classify(error);
    const retryable = this.definitions.get(kind.code)?.retryable ?? this.ownCategory(kind.category)?.retryable;
    // What the error itself says of another try stands.
    const said = (error as { readonly retryable?: unknown } | null | undefined)?.retryable;
    return retryable === undefined || typeof said === 'boolean' ? kind : { ...kind, retryable };
  }

  presentation({ category, code, status }: Pick<Classification, 'category' | 'code' | 'status'>): ErrorPresentation {
    const definition = this.definitions.get(code);
    const known = this.categories.get(category) ?? builtInCategories.internal;
    return {
      title: definition?.title ?? known.title,
      status: definition?.status ?? (status === 429 ? status : known.status),
      type: definition?.type ?? 'about:blank',
    };
  }

  private ownKind(error: unknown): Classification | undefined {
    try {
      return this.own?.(error);
    } catch {
      // It doesn't know the error; and it must not keep that from being told.
      return undefined;
    }
  }

  private ownCategory(name: ErrorCategory): CategoryDefinition | undefined {
    return Object.hasOwn(builtInCategories, name) ? undefined : this.categories.get(name);
  }

  private add(errors: readonly ErrorDefinition[], faults: ConfigurationFault[]): void {
    const codes = new Set(this.definitions.keys());
    for (const [index, definition] of errors.entries()) {
      faults.push(...this.faultsOf(definition, `errorCatalog.errors[${index}]`, codes));
      codes.add(definition.code);
    }
    if (faults.length > 0) throw new ConfigurationError(faults);
    for (const definition of errors) this.definitions.set(definition.code, Object.freeze({ ...definition }));
  }

  private faultsOf(
    { code, category, status }: ErrorDefinition,
    path: string,
    codes: ReadonlySet<string>,
  ): ConfigurationFault[] {
    const faults: ConfigurationFault[] = [];
    if (!/^[A-Z][A-Z0-9_]*$/.test(code))
      faults.push({ path: `${path}.code`, expected: 'capitals, digits and underscores', received: `'${code}'` });
    if (codes.has(code))
      faults.push({ path: `${path}.code`, expected: 'a code of its own', received: `'${code}' again` });
    if (!this.categories.has(category))
      faults.push({
        path: `${path}.category`,
        expected: `one of ${[...this.categories.keys()].join(', ')}`,
        received: `'${category}'`,
      });
    if (status !== undefined && !(Number.isInteger(status) && status >= 400 && status <= 599))
      faults.push({ path: `${path}.status`, expected: 'an HTTP status from 400 to 599', received: String(status) });
    return faults;
  }
}

/** The errors of the library alone. */
export const builtInCatalog: ErrorCatalog = /* @__PURE__ */ errorCatalog();
