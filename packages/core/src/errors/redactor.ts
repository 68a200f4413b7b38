/**
 * Makes plain data of anything, without what should not leave: values under names that speak of secrets, header by
 * header in whatever form headers come; query strings; what looks like a secret by itself. And what was found under
 * such a name is taken out wherever else it appears in the same data: a token in `details` is none of the message's
 * business either. Stacks are left out. Data is bounded in depth and breadth, cycles end.
 */
import { plainData } from './plain-data.ts';
import { redactText, SECRET_WORDS } from './redact-text.ts';

const REDACTED = '[redacted]';
const MOST_TEXT = 10_000;

const SECRET_KEY = new RegExp(
  String.raw`${SECRET_WORDS}|pass(?:word|wd|phrase|code)|^pass$|^pwd$|auth(?:orization|entication)|^auth$|^jwt$|^otp$|^pin$|^cvv|^cvc|^ssn$|connection[-_]?string|^dsn$`,
  'i',
);
const QUERY = /((?:\b[a-z][\w+.-]*:\/\/|\/)[^\s?#"'<>`]*)\?[^\s"'<>`]+/gi;
const USER_INFO = /(\b[a-z][\w+.-]*:\/\/)[^\s/@]+@/gi;

/** Whether a name speaks of a secret: `password`, `X-Api-Key`. */
export function isSecretName(name: string): boolean {
  return SECRET_KEY.test(name);
}

/** What a {@link redactor} takes out besides what it always does. */
export interface RedactionOptions {
  /** Names of keys whose values are secret, in any case: words that are the whole name, or patterns. */
  readonly keys?: readonly (string | RegExp)[] | undefined;
  /** What is secret in a text. */
  readonly patterns?: readonly RegExp[] | undefined;
  /** Values that are secret wherever they appear, such as the service's own API key. */
  readonly values?: readonly string[] | undefined;
  /** Names of keys whose values are none, though their names speak of it, such as `tokenCount`. */
  readonly keep?: readonly string[] | undefined;
}

/** Takes out what should not leave. */
export interface Redactor {
  /** A text without it. */
  text(text: string): string;
  /** Anything as plain data without it: fit for `JSON.stringify`, and never throws. */
  value(value: unknown): unknown;
}

/** A redactor that takes out what is always taken out, and what is named here. */
export function redactor(options: RedactionOptions = {}): Redactor {
  const { keys = [], patterns = [], values = [] } = options;
  const keep = new Set(options.keep);
  const secret = keys.map((key) =>
    typeof key === 'string' ? new RegExp(`^${escaped(key)}$`, 'i') : withoutState(key),
  );
  return redactorBy(
    (name) => !keep.has(name) && (isSecretName(name) || secret.some((pattern) => pattern.test(name))),
    patterns.map((pattern) => new RegExp(pattern.source, addFlag(pattern.flags))),
    values.filter((value) => value !== ''),
  );
}

function redactorBy(
  isSecret: (name: string) => boolean,
  patterns: readonly RegExp[],
  values: readonly string[],
): Redactor {
  const strike = (text: string, secrets: readonly string[]): string => {
    // What lies on the edge is cut off after it was looked at, so that no half of a secret is left.
    let clean = text.slice(0, 2 * MOST_TEXT);
    for (const secret of secrets) clean = clean.replaceAll(secret, REDACTED);
    for (const pattern of patterns) clean = clean.replace(pattern, REDACTED);
    clean = clean.replace(QUERY, `$1?${REDACTED}`).replace(USER_INFO, `$1${REDACTED}@`);
    clean = redactText(clean);
    return clean.length > MOST_TEXT ? `${clean.slice(0, MOST_TEXT)}…` : clean;
  };
  /** Plain data again, each text and each name without these secrets. */
  const struck = (plain: unknown, secrets: readonly string[]): unknown => {
    if (typeof plain === 'string') return strike(plain, secrets);
    if (Array.isArray(plain)) return plain.map((element: unknown) => struck(element, secrets));
    if (typeof plain !== 'object' || plain === null) return plain;
    const entries = Object.entries(plain).map(([key, inner]) => [strike(key, secrets), struck(inner, secrets)]);
    return Object.fromEntries(entries) as unknown;
  };
  return {
    text: (text) => strike(text, values),
    value: (value) => {
      const found = new Set(values);
      const plain = plainData(value, isSecret, found);
      return struck(
        plain,
        [...found].toSorted((a, b) => b.length - a.length),
      );
    },
  };
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
const addFlag = (flags: string): string => (flags.includes('g') ? flags : `${flags}g`);
/** A pattern that is sticky or global remembers where it was: one test would depend on the one before. */
const withoutState = (pattern: RegExp): RegExp => new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''));

/** What takes out what is always taken out. */
export const defaultRedactor: Redactor = /* @__PURE__ */ redactorBy(isSecretName, [], []);
