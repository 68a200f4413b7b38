import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const GIVEN = /^[\w.-]{1,128}$/;
const COUNTER_DIGITS = 12;

/**
 * What names a request: the id that it brought, where that is one, or else a new one. New ids have the form of a UUID of
 * version 8: 62 random bits of this process, and a counter. They are as unique as random ones and cost a fraction.
 */
export function requestIds(): (request: IncomingMessage) => string {
  const next = counted();
  return (request) => {
    const given = request.headers['x-request-id'];
    return typeof given === 'string' && GIVEN.test(given) ? given : next();
  };
}

function counted(): () => string {
  // A random UUID has its variant in the right place; its version says that it is random, which ours are not.
  const [low, middle, , variant] = randomUUID().split('-');
  const beginning = `${low}-${middle}-8${randomBytes(2).toString('hex').slice(1)}-${variant}-`;
  let count = 0;
  return () => beginning + (count++).toString(16).padStart(COUNTER_DIGITS, '0');
}
