import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { servers, TOKEN, withStatusPage } from './status-page-server.ts';

async function* parts(response: Response): AsyncIterable<string> {
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) yield decoder.decode(chunk);
}

describe.each(Object.keys(servers))('a status page behind %s', (name) => {
  it('is text for curl, a page for browsers and JSON for programs', async () => {
    await withStatusPage(name, async ({ url, registry }) => {
      await registry.get('stock').execute(() => 1);
      const text = await fetch(url, { headers: { accept: '*/*' } });
      expect([text.status, text.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
      expect(await text.text()).toMatch(/^Shop: All is well, .*\n\nPipelines\n {2}stock +healthy/);
      const page = await fetch(url, { headers: { accept: 'text/html' } });
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(await page.text()).toContain('<title>Shop · status</title>');
      expect(await (await fetch(url, { headers: { accept: 'application/json' } })).json()).toMatchObject({
        title: 'Shop',
        pipelines: [{ name: 'stock' }, { name: 'prices' }],
      });
      expect((await fetch(url, { method: 'PUT' })).status).toBe(405);
    });
  });

  it('streams what changes, until it is closed', async () => {
    await withStatusPage(name, async ({ url, page }) => {
      const response = await fetch(`${url}?format=events`);
      expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
      let text = '';
      for await (const part of parts(response)) {
        text += part;
        if (text.includes('event: tick')) page.close();
      }
      expect(text).toMatch(/^retry: 3000\nevent: full\ndata: \{.*\}\n\nevent: tick\ndata: \{/);
      expect((await fetch(url)).status).toBe(503);
    });
  });

  it('lets go of a browser that goes away', async () => {
    await withStatusPage(
      name,
      async ({ url }) => {
        const controller = new AbortController();
        const first = await fetch(`${url}?format=events`, { signal: controller.signal });
        expect(first.status).toBe(200);
        expect((await fetch(`${url}?format=events`)).status).toBe(503);
        controller.abort();
        let again = 503;
        while (again === 503) {
          const next = await fetch(`${url}?format=events`);
          again = next.status;
          await next.body?.cancel();
        }
        expect(again).toBe(200);
      },
      { maxViewers: 1 },
    );
  });

  it('takes commands from who has the token, in JSON of a bounded size', async () => {
    await withStatusPage(name, async ({ url, breaker }) => {
      const command = async (token: string, body: object): Promise<number> => {
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
        return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).status;
      };
      const isolate = { command: 'isolate', pipeline: 'stock', policy: '0' };
      expect([await command('wrong', isolate), breaker.state]).toEqual([401, 'closed']);
      expect([await command(TOKEN, isolate), breaker.state]).toEqual([200, 'isolated']);
      expect([await command(TOKEN, { ...isolate, command: 'reset' }), breaker.state]).toEqual([200, 'closed']);
      if (name.includes('parser') || name === 'Fastify') return;
      expect(await command(TOKEN, { ...isolate, reason: 'x'.repeat(20_000) })).toBe(413);
    });
  });
});

it('a command whose sender goes away in the middle does nothing, and leaves the page as it was', async () => {
  await withStatusPage('node:http', async ({ url, breaker, server }) => {
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    const head = `POST /ops/status HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-length: 100\r\n\r\n`;
    const accepted = once(server, 'request');
    socket.write(`${head}{"command":"isolate"`);
    await accepted;
    socket.destroy();
    expect((await fetch(url)).status).toBe(200);
    expect(breaker.state).toBe('closed');
  });
});
