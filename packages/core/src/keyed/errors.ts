import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/** As many keys as may be remembered are all in use, and this call has another. Code `KEYS_EXHAUSTED`, category `bulkhead`. */
export class KeysExhaustedError extends BreakwaterError {
  constructor(policy: string, maxKeys: number) {
    super(`${maxKeys} keys are in use, and there is no room for another (${policy})`, {
      code: 'KEYS_EXHAUSTED',
      category: 'bulkhead',
      policy,
      details: { maxKeys },
    });
  }
}
nameError(KeysExhaustedError, 'KeysExhaustedError');
