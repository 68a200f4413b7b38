export type { Clock, MonotonicMs, Timer, WallMs } from './clock.ts';
export { systemClock } from './system-clock.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
export { type Random, seededRandom, systemRandom } from './random.ts';
