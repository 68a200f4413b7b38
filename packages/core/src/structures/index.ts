export { type Due, DueHeap } from './due-heap.ts';
export { IntrusiveList, ListNode } from './intrusive-list.ts';
export { LeveledNode, LevelQueue } from './level-queue.ts';
export { SlidingCounts } from './sliding-counts.ts';
export { Histogram } from './histogram.ts';
export { SlidingHistogram } from './sliding-histogram.ts';
