import { isBreakwaterError } from '../errors/breakwater-error.ts';
import { classify } from '../errors/classify.ts';

/** What stands for an error that says nothing of itself: the semantic conventions' word for it. */
const UNNAMED = '_OTHER';
/** Codes for what is no error of an upstream's or the library's: there the class says more. */
const SAYS_LITTLE: readonly string[] = ['UNKNOWN', 'INTERNAL'];
/** Codes and names of classes; anything else may be a text, and what users' texts say does not leave. */
const NAME = /^[A-Za-z_][\w.-]{0,63}$/;

/** The kind of an error in a word: its code, otherwise the name of its class. Never its message, and never throws. */
export function errorType(error: unknown): string {
  const { code } = classify(error);
  const type = SAYS_LITTLE.includes(code) && !isBreakwaterError(error) ? classNameOf(error) : code;
  return NAME.test(type) ? type : UNNAMED;
}

function classNameOf(error: unknown): string {
  if (!(error instanceof Error)) return UNNAMED;
  try {
    return error.constructor.name;
  } catch {
    // An object may pretend to be anything.
    return UNNAMED;
  }
}
