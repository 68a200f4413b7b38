/** Load shedding as a configuration says it. */
import { eventLoopDelay } from '../load/event-loop-delay.ts';
import type { LoadSource } from '../load/load-source.ts';
import { memoryUse } from '../load/memory-use.ts';
import { shedding } from '../shedding/shedding.ts';
import { anyOf, list, object, oneOf } from './composite-fields.ts';
import { choice, duration, type Field, number, positive, ratio } from './fields.ts';
import { kind, made, type PolicyKind } from './policy-kind.ts';

const sources = {
  eventLoopDelay: object('How late the timers of the program are.', {
    maxMs: duration('The delay that is a load of 1; default 100 ms.', 1),
    keepMs: duration('For how long it goes on measuring while no call comes; default 60 s.', 1),
  }),
  memoryUse: object('How much memory is used.', {
    maxRatio: ratio('The part of the memory that is a load of 1; default 0.9.'),
    intervalMs: duration('How often it is measured at most; default 1 s.'),
  }),
};
const makeSource: { readonly [Name in keyof typeof sources]: (options: never) => LoadSource } = {
  eventLoopDelay,
  memoryUse,
};

/** JSON has no infinity. */
const limit = (about: string): Field<number | 'never'> => anyOf(positive(about), choice('Whatever the load.', 'never'));
const limits = {
  batch: limit('For calls of the priority batch; default 0.5.'),
  low: limit('For calls of the priority low; default 0.75.'),
  normal: limit('For calls of the priority normal; default 1.'),
  high: limit('For calls of the priority high; default 1.5.'),
  critical: limit('For calls of the priority critical; default never.'),
};

const loadOf = (said: number | 'never' | undefined): number | undefined => (said === 'never' ? Infinity : said);

export const sheddingKind: PolicyKind = kind({
  about: 'Refuses the least urgent calls first while the program itself has too much to do.',
  fields: {
    sources: list(
      'What the load is measured by; the highest counts. Default: eventLoopDelay.',
      oneOf('A source of load.', sources),
    ),
    refuseAbove: object('Above which load calls begin to be refused, by their priority.', limits),
    rampRatio: number(
      'How much more load it takes until all calls of a priority are refused, as a ratio of where it begins; default 0.5.',
      0,
      Infinity,
    ),
  },
  optionsOf: ({ sources: chosen, refuseAbove }) => ({
    ...(chosen && { sources: chosen.map((source, index) => made(`sources[${index}]`, makeSource, source)) }),
    ...(refuseAbove && {
      refuseAbove: Object.fromEntries(Object.entries(refuseAbove).map(([name, said]) => [name, loadOf(said)])),
    }),
  }),
  make: shedding,
});
