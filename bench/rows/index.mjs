// The rows in the order of the table.
import { cacheCodecRows } from './cache-codecs.mjs';
import { cacheRows } from './cache.mjs';
import { allocation, composedPolicies } from './composed.mjs';
import { concurrent } from './concurrent.mjs';
import { failures } from './failing.mjs';
import { http } from './http.mjs';
import { rateLimits } from './rate-limit.mjs';
import { singlePolicies } from './single.mjs';
import { telemetryRows } from './telemetry.mjs';
import { workRows } from './work.mjs';

/**
 * A row: `ours` and each of `rivals` make a candidate, a function that makes one call; `oursMore` and `rivalsMore`, where
 * there, make candidates whose mean difference from the first is what counts. `loop`, `calls` and `bare` (or `bareOf`, which makes
 * it) where they are not the usual; `digits` of its ratios, where one is too few. With the unit `count`, `ours` and `rivals` give
 * their numbers themselves.
 */
export const rows = [
  ...singlePolicies,
  ...composedPolicies,
  ...failures,
  allocation,
  concurrent,
  ...http,
  ...rateLimits,
  ...cacheRows,
  ...cacheCodecRows,
  ...workRows,
  ...telemetryRows,
];
