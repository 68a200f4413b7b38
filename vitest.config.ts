import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const core = join(import.meta.dirname, 'packages/core/src');
const deviceClient = join(import.meta.dirname, 'packages/device-client/src');

// Tests run on the sources: `breakwater/retry` is packages/core/src/retry/index.ts, whatever was built last.
const rooms = existsSync(core) ? readdirSync(core, { withFileTypes: true }).filter((entry) => entry.isDirectory()) : [];
const alias = [
  ...rooms.map(({ name }) => ({ find: `breakwater/${name}`, replacement: join(core, name, 'index.ts') })),
  { find: /^breakwater$/, replacement: join(core, 'index.ts') },
  ...['contract', 'sync'].map((name) => ({
    find: `@breakwater/device-client/${name}`,
    replacement: join(deviceClient, name, 'index.ts'),
  })),
  { find: /^@breakwater\/device-client$/, replacement: join(deviceClient, 'index.ts') },
];

const project = (name: string, include: string[], more: object = {}) => ({
  extends: true as const,
  test: { name, include, ...more },
});

/** Thousands and millions of calls, and what they cost or leave behind: too long for the developer's loop. */
const costs = ['packages/core/test/cost/**/*.test.ts', 'packages/core/test/http/nothing-left.test.ts'];

/**
 * How much of the library the tests must go through: of all of it together, and of each room. Some is reached by a Redis
 * alone; where there is none, scripts/unit-tests.mjs says so, and less is asked.
 */
function coverageGates(): object {
  if (process.env['BREAKWATER_WITHOUT_REDIS'] !== undefined) return { statements: 95, branches: 92 };
  const gate = { statements: 97, branches: 97 };
  return { ...gate, ...Object.fromEntries(rooms.map(({ name }) => [`packages/core/src/${name}/**`, gate])) };
}

export default defineConfig({
  resolve: { alias },
  test: {
    // Unit tests own no global state, so one module graph per worker serves all files: five times faster.
    isolate: false,
    restoreMocks: true,
    unstubGlobals: true,
    pool: 'threads',
    // As many as there are cores: vitest would leave one of them to itself, which is half of a small machine.
    maxWorkers: '100%',
    // Nothing here waits for real time to pass; what hangs is noticed, and a busy machine is no fault.
    testTimeout: 60_000,
    // Measured by the full run: the library, by its unit tests and scenarios together.
    coverage: {
      provider: 'v8',
      include: ['packages/core/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/test-support/**'],
      reporter: ['json-summary', 'html'],
      reportsDirectory: '.cache/coverage',
      thresholds: coverageGates(),
    },
    projects: [
      project('core', ['packages/core/src/**/*.test.ts'], { exclude: ['**/*.model.test.ts'] }),
      // Ten thousand random schedules each against a reference model, and long simulations: too long for the developer's loop.
      project('models', ['packages/core/{src,test}/**/*.model.test.ts'], { testTimeout: 300_000 }),
      project('scenarios', ['packages/core/test/**/*.test.ts', 'tests/**/*.test.ts'], {
        exclude: [
          '**/*.chaos.test.ts',
          '**/*.model.test.ts',
          '**/*.browser.test.ts',
          'packages/core/test/postgres/**',
          '**/node_modules/**',
          ...costs,
        ],
      }),
      project('costs', costs, { exclude: ['**/*.model.test.ts'] }),
      // Two caches under load on a Redis that fails: half a minute of real time, and alone, since calls are timed.
      project('chaos', ['packages/core/test/**/*.chaos.test.ts'], { maxWorkers: 1, sequence: { groupOrder: 2 } }),
      // Pools on a PostgreSQL that fails: real time as well, and its waits are measured.
      project('postgres', ['packages/core/test/postgres/**/*.test.ts'], {
        pool: 'forks',
        maxWorkers: 1,
        sequence: { groupOrder: 3 },
      }),
      project('device-client', ['packages/device-client/src/**/*.test.ts']),
      project('device-cache', ['packages/device-cache/src/**/*.test.ts']),
      project('cli', ['packages/cli/src/**/*.test.ts']),
      project('scripts', ['scripts/**/*.test.mjs']),
      // These start processes and servers, and some measure: after the others, one file at a time, each in its own process.
      project(
        'programs',
        ['packages/{cli,device-client,device-cache}/test/**/*.test.ts', 'packages/core/test/**/*.browser.test.ts'],
        {
          isolate: true,
          pool: 'forks',
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      ),
    ],
  },
});
