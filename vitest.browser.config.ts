import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

// Started by `npm run verify` only, which brings the driver and finds the browser.
const modules = process.env['BREAKWATER_BROWSER_MODULES'] ?? '';
const executablePath = process.env['BREAKWATER_CHROMIUM'] ?? '';
const { playwright } = await import(pathToFileURL(join(modules, '@vitest/browser-playwright/dist/index.js')).href);

const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export default defineConfig({
  resolve: base.resolve,
  test: {
    include: ['packages/core/src/**/*.test.ts'],
    exclude: ['**/*.model.test.ts'],
    isolate: false,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath, args } }),
      instances: [{ browser: 'chromium' }],
    },
  },
});
