// The rooms of packages/core/src and the order in which they may know each other: the one place that says so.
// A room imports from rooms to its left only; names in one inner list are siblings and don't import each other.
export const roomOrder = [
  ['structures'],
  ['clock'],
  ['errors'],
  ['options'],
  ['load'],
  ['events'],
  ['headers'],
  ['policy'],
  ['pipeline'],
  ['gates'],
  [
    'retry',
    'circuit-breaker',
    'timeout',
    'bulkhead',
    'fallback',
    'hedge',
    'adaptive-concurrency',
    'client-throttling',
    'shedding',
    'keyed',
    'rate-limit',
    'cache',
    'work',
    'connection-pool',
    'recovery',
    'streaming',
  ],
  ['failover'],
  ['http'],
  ['undici', 'axios', 'ai-sdk'],
  ['presets'],
  ['registry'],
  ['simulation'],
];

/** Rooms beside the row: how far each may look, and that nobody but `testing` and the package's index may look at it. */
export const sideRooms = {
  telemetry: { upTo: 'policy' },
  correlation: { upTo: 'pipeline' },
  testing: { upTo: 'everything' },
};

/** Rooms that are no subpath of the package: mechanisms that only other rooms use. */
export const internalRooms = ['gates'];

const positions = new Map(roomOrder.flatMap((names, index) => names.map((name) => [name, index])));

export const isKnownRoom = (room) => positions.has(room) || room in sideRooms;

/** Why `from` may not import from `to`, or undefined if it may. Both are room names; '' is the package's index. */
export function importFault(from, to) {
  if (from === to || from === '' || from === 'testing') return undefined;
  if (to === '') return 'nothing inside imports the index of the package';
  if (to in sideRooms) return `no other room imports ${to}`;
  const last = positions.get(from in sideRooms ? sideRooms[from].upTo : from);
  const target = positions.get(to);
  if (from in sideRooms) return target > last ? `${from} imports up to ${sideRooms[from].upTo}` : undefined;
  if (target === last) return 'siblings do not import each other';
  return target > last ? `${to} stands to the right of ${from}` : undefined;
}
