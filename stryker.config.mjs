// Mutation of the policies that hold state or time; `npm run verify -- --only mutation`.
export default {
  mutate: [
    'packages/core/src/{retry,circuit-breaker,timeout,bulkhead,hedge,gates}/**/*.ts',
    '!packages/core/src/**/*.test.ts',
    '!packages/core/src/**/test-support/**',
    '!packages/core/src/**/index.ts',
  ],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  coverageAnalysis: 'perTest',
  // Types are checked by the build; a mutant that would not compile is noise here, not a finding.
  disableTypeChecks: true,
  ignorePatterns: ['.toolchain', '.cache', 'packages/*/dist', 'packages/*/samples'],
  // A changed message or hint is no change of behaviour.
  mutator: { excludedMutations: ['StringLiteral'] },
  concurrency: 2,
  tempDirName: '.cache/stryker',
  reporters: ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false },
  jsonReporter: { fileName: '.cache/reports/mutation.json' },
};
