import type { ConfigurationFault } from '../errors/configuration-error.ts';
import { describe, nearest } from '../options/resolve.ts';

/** Collects what is wrong, and where. */
export class Faults {
  readonly found: ConfigurationFault[] = [];

  add(path: string, expected: string, received: unknown): undefined {
    this.found.push({ path, expected, received: describe(received) });
  }

  /** A name that nobody knows, with a guess at which was meant. */
  addUnknown(path: string, name: string, known: readonly string[], what: string): undefined {
    const near = nearest(name, known);
    const expected = known.length === 0 ? 'no name: there is nothing to be named' : `one of ${known.join(', ')}`;
    const fault = { path, expected, received: what };
    this.found.push(near === undefined ? fault : { ...fault, hint: `did you mean ${near}?` });
  }

  /** What neither of two ways to read a value takes. */
  addEither(one: ConfigurationFault, other: ConfigurationFault): void {
    const { hint } = other;
    const expected = `${one.expected}, or ${other.expected}`;
    this.found.push({ ...one, expected, ...(hint === undefined ? {} : { hint }) });
  }
}
