import { describe, expect, it } from 'vitest';
import { bundleFaults } from './bundle.mjs';

const recorded = { margin: 0.03, aims: { retry: 900 }, budgets: { retry: 1000 } };
const retry = (more) => ({ name: 'retry', room: 'retry', bytes: 1000, rooms: { retry: 900, errors: 300 }, ...more });

describe('the check of the bundles', () => {
  it('finds nothing wrong with a bundle within its budget and the margin, whatever its aim', () => {
    expect(bundleFaults([retry(), retry({ bytes: 1030 })], recorded)).toEqual([]);
  });

  it('finds a bundle that is larger than that, and says which rooms weigh most', () => {
    const faults = bundleFaults([retry({ bytes: 1031 })], recorded);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain('retry has 1031 bytes, more than 1000 and 3 % (retry 900, errors 300)');
  });

  it('finds a subpath that loads a room to its right, or beside it', () => {
    const faults = bundleFaults([retry({ rooms: { timeout: 10, http: 10, clock: 10, '': 1 } })], recorded);
    expect(faults).toEqual([
      'retry loads the room "timeout": siblings do not import each other',
      'retry loads the room "http": http stands to the right of retry',
      'retry loads the room "": nothing inside imports the index of the package',
    ]);
  });

  it('finds a bundle without a budget, and budgets and aims without a bundle', () => {
    expect(bundleFaults([retry({ name: 'retry alone' })], recorded)).toEqual([
      'retry alone has no budget: npm run bundle:accept',
      'there is no bundle "retry" any more: npm run bundle:accept',
    ]);
  });
});
