import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/** The program has too much to do for a call of this priority. Code `LOAD_SHED`, category `bulkhead`. */
export class LoadShedError extends BreakwaterError {
  constructor(policy: string, load: number) {
    const percent = Math.round(load * 100);
    super(`the load is at ${percent} % of what it should be at most, and more urgent calls go first (${policy})`, {
      code: 'LOAD_SHED',
      category: 'bulkhead',
      policy,
      details: { load },
    });
  }
}
nameError(LoadShedError, 'LoadShedError');
