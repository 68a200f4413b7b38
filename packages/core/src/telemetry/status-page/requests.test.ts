import { describe, expect, it } from 'vitest';
import { down, watched, withBreaker } from './test-support/watched-page.ts';

describe('a request of a status page', () => {
  it('is answered with a page, text or JSON, by its query or by what it accepts', async () => {
    const { ask } = withBreaker();
    const type = async (query: string, accept?: string): Promise<string> => {
      const response = await ask(query, accept === undefined ? {} : { headers: { accept } });
      const text = await response.text();
      return `${response.headers.get('content-type')?.split(';')[0]} ${text.slice(0, 9).replace('\n', '')}`;
    };
    expect(await type('')).toBe('text/plain Breakwate');
    expect(await type('', 'text/html,*/*')).toMatch(/^text\/html <!doctype/);
    expect(await type('', 'application/json')).toMatch(/^application\/json \{"title"/);
    expect(await type('?format=text', 'text/html')).toMatch(/^text\/plain/);
    expect(await type('?format=html')).toMatch(/^text\/html/);
    expect(await type('?format=nonsense', 'application/json')).toMatch(/^application\/json/);
  });

  it('of a page gets one document that nothing else is loaded for and nothing else may run in', async () => {
    const { ask } = withBreaker({ title: '<script>alert(1)</script>' });
    const response = await ask('?format=html');
    const html = await response.text();
    expect(html).not.toMatch(/<script>alert|(?:src|href)="(?!data:)/);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    const [, nonce] = /script-src 'nonce-([\da-f]{32})'/.exec(response.headers.get('content-security-policy')!)!;
    expect(html.split(`nonce="${nonce}"`)).toHaveLength(3);
    expect((await ask('?format=html')).headers.get('content-security-policy')).not.toContain(nonce);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });

  it('of another method is refused, and HEAD gets no body', async () => {
    const { ask } = withBreaker();
    expect((await ask('', { method: 'DELETE' })).status).toBe(405);
    for (const query of ['', '?format=events', '?format=html']) {
      const response = await ask(query, { method: 'HEAD' });
      expect([response.status, await response.text()]).toEqual([200, '']);
    }
  });

  it('of text gets lines that no name can forge', async () => {
    const { ask } = watched({ pipelines: { 'a\n  forged  healthy': { policies: [] } } });
    const text = await (await ask()).text();
    expect(text).toContain('a\\n  forged');
    expect(text.split('\n').filter((line) => line.startsWith('  forged'))).toEqual([]);
  });

  it('of a page that was closed is answered with 503', async () => {
    const { page, ask } = withBreaker();
    page.close();
    expect((await ask()).status).toBe(503);
  });
});

describe('the stream of a status page', () => {
  /** Reads the next event of a stream. */
  function events(response: Response) {
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let text = '';
    const next = async (): Promise<{ name: string; data: Record<string, unknown> } | undefined> => {
      while (!text.includes('\n\n')) {
        const { value, done } = await reader.read();
        if (done) return undefined;
        text += decoder.decode(value);
      }
      const [, name = '', data = '{}'] = /event: (.*)\ndata: (.*)\n\n/.exec(text)!;
      text = text.slice(text.indexOf('\n\n') + 2);
      return { name, data: JSON.parse(data) as Record<string, unknown> };
    };
    return { next, cancel: () => reader.cancel() };
  }

  it('begins with all that is known, goes on with a point an interval, and ends when the page is closed', async () => {
    const { clock, registry, ask, page } = withBreaker({ intervalMs: 1_000, historyMs: 10_000 });
    for (let n = 0; n < 15; n++) {
      await registry.get('stock').tryExecute(n % 3 === 0 ? down : () => 1);
      await clock.advance(1_000);
    }
    const stream = events(await ask('?format=events'));
    const full = (await stream.next())!;
    expect(full.name).toBe('full');
    const series = (full.data['series'] as Record<string, Record<string, number[]>>)['pipeline:stock']!;
    expect(series['rate']).toEqual(Array.from({ length: 10 }, () => 1));
    expect(series['failures']).toEqual([0, 1, 0, 0, 1, 0, 0, 1, 0, 0]);
    expect((full.data['series'] as Record<string, unknown>)['policy:0:stock']).toEqual({
      value: Array.from({ length: 10 }, () => 0),
    });
    await clock.advance(1_000);
    const tick = (await stream.next())!;
    expect([tick.name, (tick.data['points'] as Record<string, unknown>)['pipeline:stock']]).toEqual([
      'tick',
      { rate: 0, failures: 0, p50: null, p95: null, p99: null },
    ]);
    page.close();
    expect(await stream.next()).toBeUndefined();
  });

  it('is let go when its browser goes away, and more browsers than may are asked to come later', async () => {
    const { clock, ask } = withBreaker({ maxViewers: 2, intervalMs: 1_000 });
    const [one, other] = [events(await ask('?format=events')), events(await ask('?format=events'))];
    expect((await ask('?format=events')).status).toBe(503);
    await one.cancel();
    expect((await ask('?format=events')).status).toBe(200);
    await clock.advance(1_000);
    expect((await other.next())!.name).toBe('full');
  });

  it('leaves parts out for a browser that does not read, and holds no more than some', async () => {
    const { clock, ask } = withBreaker({ intervalMs: 1_000 });
    const stream = events(await ask('?format=events'));
    await clock.advance(500_000);
    let parts = 0;
    while ((await Promise.race([stream.next(), laterTurn()])) !== undefined) parts++;
    expect(parts).toBeGreaterThan(0);
    expect(parts).toBeLessThanOrEqual(10);
  });
});

/** A later turn of the event loop, when all that can be read has been read. */
function laterTurn(): Promise<undefined> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    const arrived = (): void => {
      port1.close();
      resolve(undefined);
    };
    port1.addEventListener('message', arrived, { once: true });
    port1.start();
    port2.postMessage(0);
  });
}
