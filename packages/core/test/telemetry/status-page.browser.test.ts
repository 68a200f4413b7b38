import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { performanceMonitor, type StatusPageOptions } from 'breakwater/telemetry';
import { batcher, workerPool } from 'breakwater/work';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { servers, TOKEN, type ServedPage, withStatusPage } from './status-page-server.ts';

const folders = (process.env['PATH'] ?? '').split(delimiter);
const executablePath = ['chromium', 'chromium-browser', 'google-chrome']
  .flatMap((name) => folders.map((folder) => join(folder, name)))
  .find((path) => existsSync(path));

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

describe.skipIf(executablePath === undefined)('a status page in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args });
  });
  afterAll(() => browser.close());

  /** Opens the page, and fails on anything that the browser complains about or loads from elsewhere. */
  async function opened(
    server: string,
    look: (page: Page, served: ServedPage) => Promise<void>,
    how: {
      readonly colorScheme?: 'light' | 'dark';
      readonly width?: number;
      readonly meant?: string;
      readonly options?: StatusPageOptions;
    } = {},
  ): Promise<void> {
    const { colorScheme = 'light', width = 1_280, meant, options } = how;
    const body = async (served: ServedPage): Promise<void> => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error' && (meant === undefined || !message.text().includes(meant)))
          complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('request', (request) => {
        if (!request.url().startsWith(served.url) && !request.url().startsWith('data:')) complaints.push(request.url());
      });
      await page.goto(served.url);
      await page.waitForSelector('article');
      await look(page, served);
      expect(complaints).toEqual([]);
      await context.close();
    };
    await withStatusPage(server, body, options);
  }

  it.each(Object.keys(servers))('shows every pipeline, live, behind %s', async (server) => {
    await opened(server, async (page, { registry, breaker }) => {
      expect(await page.locator('article h3').allTextContents()).toEqual(['stock', 'prices']);
      const status = page.locator('article', { hasText: 'stock' }).locator('.head .pill').first();
      expect(await status.textContent()).toBe('idle');
      await registry.get('stock').execute(() => 1);
      await page.waitForFunction(() => document.querySelector('article .head .pill')?.textContent === 'healthy');
      const release = breaker.isolate('test');
      await page.waitForFunction(() => document.querySelector('article .head .pill')?.textContent === 'isolated');
      release();
      await page.waitForFunction(() => document.querySelector('article .head .pill')?.textContent === 'healthy');
      expect(await page.locator('#live').getAttribute('data-on')).toBe('true');
    });
  });

  it('draws plots of calls, latencies and states that grow with time', async () => {
    await opened('node:http', async (page, { registry }) => {
      for (let n = 0; n < 20; n++)
        await registry.get('stock').tryExecute(() => (n % 4 === 0 ? Promise.reject(new Error('down')) : 1));
      const length = (): Promise<number> =>
        page.locator('svg[data-plot="calls:stock"] path.line').evaluate((path) => path.getAttribute('d')!.length);
      await page.waitForSelector('svg[data-plot="calls:stock"] path.bad');
      const before = await length();
      await page.waitForFunction(
        (least) => document.querySelector('svg[data-plot="calls:stock"] path.line')!.getAttribute('d')!.length > least,
        before,
      );
      expect(await page.locator('.mini svg rect.s0').count()).toBeGreaterThan(0);
      await page.hover('svg[data-plot="calls:stock"]', { position: { x: 100, y: 20 } });
      await page.waitForSelector('svg[data-plot="calls:stock"] line.hair', { state: 'attached' });
      expect(await page.locator('article').first().locator('figcaption').first().textContent()).toMatch(/ s ago: /);
    });
  });

  it('isolates and resets a breaker once the token was given, and forgets a wrong one', async () => {
    const look = async (page: Page, { breaker }: ServedPage): Promise<void> => {
      expect(await page.locator('[data-command]').count()).toBe(0);
      const unlock = async (token: string): Promise<void> => {
        await page.click('#unlock');
        await page.fill('#ask-input', token);
        await page.keyboard.press('Enter');
        await page.waitForSelector('[data-command=isolate]');
      };
      await unlock('a wrong token');
      await page.click('[data-command=isolate]');
      await page.fill('#ask-input', 'by hand');
      await page.click('#ask-ok');
      await page.waitForFunction(
        () => document.querySelector('#toast')?.textContent === 'the token is missing or wrong',
      );
      expect([breaker.state, await page.locator('[data-command]').count()]).toEqual(['closed', 0]);
      await unlock(TOKEN);
      await page.click('[data-command=isolate]');
      await page.click('text=Cancel');
      expect(breaker.state).toBe('closed');
      await page.click('[data-command=isolate]');
      await page.fill('#ask-input', 'by hand');
      await page.click('#ask-ok');
      await page.waitForSelector('[data-command=release]');
      expect(breaker.state).toBe('isolated');
      await page.click('[data-command=reset]');
      await page.click('#ask-ok');
      await page.waitForSelector('[data-command=isolate]');
      expect(breaker.state).toBe('closed');
      expect(await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length])).toEqual([
        '',
        0,
        0,
      ]);
      await page.click('#unlock');
      await page.waitForFunction(() => document.querySelectorAll('[data-command]').length === 0);
    };
    await opened('Fastify', look, { meant: '401' });
  });

  it('follows light and dark, and fits a telephone', async () => {
    const seen: Record<string, string> = {};
    for (const colorScheme of ['light', 'dark'] as const) {
      await opened(
        'node:http',
        async (page) => {
          seen[colorScheme] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
          const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect(tooWide).toBeLessThanOrEqual(0);
        },
        { colorScheme, width: 390 },
      );
    }
    expect(seen).toEqual({ light: 'rgb(244, 246, 249)', dark: 'rgb(13, 18, 24)' });
  });

  it('shows pools and batchers, and operations that a telephone can read', async () => {
    const monitor = performanceMonitor();
    monitor.record('render the page of a product', 20);
    const prices = batcher<string, number>({ batch: (skus) => skus.map(({ length }) => length) });
    await prices.loadMany(['a', 'bb', 'ccc']);
    const look = async (page: Page): Promise<void> => {
      const section = page.locator('section', { hasText: 'Pools and batches' });
      expect(await section.locator('h3').allTextContents()).toEqual(['mail', 'prices']);
      expect(await section.locator('.big b').allTextContents()).toEqual(['0', '3']);
      const name = await page.locator('tbody td').first().boundingBox();
      expect(name!.width).toBeGreaterThan(100);
      expect(name!.height).toBeLessThan(80);
    };
    const options = { monitor, pools: { mail: workerPool() }, batchers: { prices } };
    await opened('node:http', look, { width: 360, options });
  });

  it('shows a name that is markup as text', async () => {
    await opened('node:http', async (page, { registry }) => {
      registry.update({ pipelines: { '<img src=x onerror=document.title=1>': { policies: [] } } });
      await page.waitForFunction(() => document.querySelector('article h3')?.textContent?.startsWith('<img') === true);
      expect(await page.locator('main img').count()).toBe(0);
      expect(await page.title()).toBe('Shop · status');
    });
  });

  it('says when the connection is lost', async () => {
    await opened(
      'node:http',
      async (page, { page: status }) => {
        status.close();
        await page.waitForFunction(() => document.querySelector('#live')?.getAttribute('data-on') === 'false');
        expect(await page.locator('#updated').textContent()).toBe('connection lost, trying again');
      },
      { meant: '503' },
    );
  });
});
