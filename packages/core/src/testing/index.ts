export { VirtualClock, type VirtualClockOptions } from '../clock/virtual-clock.ts';
export { seededRandom } from '../clock/random.ts';
