export { formatDuration, parseDuration } from './duration.ts';
export { nearest, resolveOptions, type Resolved } from './resolve.ts';
export {
  anything,
  callable,
  count,
  either,
  flag,
  implementing,
  integer,
  milliseconds,
  number,
  oneOf,
  positiveMilliseconds,
  positiveNumber,
  ratio,
  text,
  type Rule,
  type Rules,
} from './rules.ts';
