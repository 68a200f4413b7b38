import { classify } from '../errors/classify.ts';

/** What stands for an error that says nothing of itself: the semantic conventions' word for it. */
const UNNAMED = '_OTHER';
/** Codes and names of classes; anything else may be a text, and what users' texts say does not leave. */
const NAME = /^[A-Za-z_][\w.-]{0,63}$/;

/** The kind of an error in a word: its code, otherwise the name of its class. Never its message, and never throws. */
export function errorType(error: unknown): string {
  const { code } = classify(error);
  const type = code === 'UNKNOWN' ? classNameOf(error) : code;
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
