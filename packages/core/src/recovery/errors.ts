import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/** There are as many dead letters as may be, and none is to be dropped. Code `DEAD_LETTERS_FULL`, category `bulkhead`. */
export class DeadLettersFullError extends BreakwaterError {
  constructor(name: string, letters: number, bytes: number) {
    super(`there is no room for another dead letter beside ${letters} of ${bytes} bytes (${name})`, {
      code: 'DEAD_LETTERS_FULL',
      category: 'bulkhead',
      policy: name,
      details: { letters, bytes },
    });
  }
}
nameError(DeadLettersFullError, 'DeadLettersFullError');

/** Dead letters are not taken any more. Code `DEAD_LETTERS_CLOSED`, category `internal`. */
export class DeadLettersClosedError extends BreakwaterError {
  constructor(name: string) {
    super(`the dead letters are closed (${name})`, {
      code: 'DEAD_LETTERS_CLOSED',
      category: 'internal',
      policy: name,
    });
  }
}
nameError(DeadLettersClosedError, 'DeadLettersClosedError');

/** An item can't be written as JSON. Code `DEAD_LETTER_ITEM`, category `validation`; the cause says why. */
export class DeadLetterItemError extends BreakwaterError {
  constructor(name: string, cause: unknown) {
    super(`the item of a dead letter can not be written as JSON (${name})`, {
      code: 'DEAD_LETTER_ITEM',
      category: 'validation',
      policy: name,
      cause,
    });
  }
}
nameError(DeadLetterItemError, 'DeadLetterItemError');
