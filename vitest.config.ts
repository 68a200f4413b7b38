import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const core = join(import.meta.dirname, 'packages/core/src');

// Tests run on the sources: `breakwater/retry` is packages/core/src/retry/index.ts, whatever was built last.
const rooms = existsSync(core) ? readdirSync(core, { withFileTypes: true }).filter((entry) => entry.isDirectory()) : [];
const alias = [
  ...rooms.map(({ name }) => ({ find: `breakwater/${name}`, replacement: join(core, name, 'index.ts') })),
  { find: /^breakwater$/, replacement: join(core, 'index.ts') },
];

const project = (name: string, include: string[], more: object = {}) => ({
  extends: true as const,
  test: { name, include, ...more },
});

export default defineConfig({
  resolve: { alias },
  test: {
    // Unit tests own no global state, so one module graph per worker serves all files: five times faster.
    isolate: false,
    pool: 'threads',
    projects: [
      project('core', ['packages/core/src/**/*.test.ts']),
      project('scenarios', ['packages/core/test/**/*.test.ts']),
      project('cli', ['packages/cli/src/**/*.test.ts']),
      project('scripts', ['scripts/**/*.test.mjs']),
      // These start processes and servers: each file has a process to itself, and time for it.
      project('programs', ['packages/cli/test/**/*.test.ts'], { isolate: true, pool: 'forks', testTimeout: 120_000 }),
    ],
  },
});
