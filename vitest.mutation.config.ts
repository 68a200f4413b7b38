import { mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

// Stryker drives one project: the library's own unit tests.
const { projects: _, ...test } = base.test ?? {};
export default mergeConfig(
  { ...base, test },
  {
    test: { include: ['packages/core/src/**/*.test.ts'], exclude: ['**/*.model.test.ts'] },
  },
);
