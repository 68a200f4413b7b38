import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/index.ts';
import { type Fetch, resilientFetch } from './index.ts';
import { answer, failing, platform, under, url } from './test-support/answers.ts';

describe('a response', () => {
  it('without a body is an answer where the body was to be read in the attempt', async () => {
    const response = await under(platform(answer(204)), { body: 'buffered' })(url);
    expect([response.status, response.body]).toEqual([204, null]);
  });

  it('passes chunks on that are not empty', async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (sent++ < 2) controller.enqueue(new Uint8Array(sent === 1 ? 0 : 3));
        else controller.close();
      },
    });
    const chunks: number[] = [];
    const response = await under(platform(() => new Response(body)))(url);
    for await (const chunk of response.body!) chunks.push(chunk.byteLength);
    expect(chunks).toEqual([3]);
  });

  it('is read whole within the limit on silence where there is one', async () => {
    const http = under(platform(answer(200, '{"a":1}')), { bodyTimeoutMs: 1_000 });
    expect(await (await http(url)).json()).toEqual({ a: 1 });
    expect(await (await http(url)).text()).toBe('{"a":1}');
  });

  it('that can not be watched is replaced by one that says the same', async () => {
    const calls = pipeline({ clock: new VirtualClock() });
    const frozen = (): Response => Object.preventExtensions(new Response('frozen', { headers: { 'x-own': 'mine' } }));
    const response = await resilientFetch(calls, { fetch: platform(frozen) })(url);
    expect(calls.busy).toBe(1);
    expect([response.headers.get('x-own'), await response.text(), response.bodyUsed]).toEqual(['mine', 'frozen', true]);
    await Promise.resolve();
    expect(calls.busy).toBe(0);
  });

  it('of a fetch that has policies of its own ends both calls when it has been read', async () => {
    const inner = pipeline({ clock: new VirtualClock() });
    const outer = pipeline({ clock: new VirtualClock() });
    const http = resilientFetch(outer, { fetch: resilientFetch(inner, { fetch: platform(answer(200, 'read')) }) });
    const response = await http(url);
    expect([inner.busy, outer.busy]).toEqual([1, 1]);
    expect(await response.text()).toBe('read');
    await Promise.resolve();
    expect([inner.busy, outer.busy]).toEqual([0, 0]);
  });

  const others = ['Deno', 'Bun'].filter((name) => !(name in globalThis));
  it.each(others)('is another one where the platform, as %s, reads responses from inside', async (name) => {
    class OwnResponse extends Response {}
    vi.stubGlobal(name, {});
    const calls = pipeline({ clock: new VirtualClock() });
    const original = new OwnResponse('read');
    const response = await resilientFetch(calls, { fetch: platform(() => original) })(url);
    expect([response === original, await response.text(), calls.busy]).toEqual([false, 'read', 0]);
  });

  it('that was not read in time is broken for whoever reads it then, in whatever way', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock });
    const http = resilientFetch(calls, { fetch: platform(answer(200, 'late')), unreadTimeoutMs: 50 });
    const [one, other] = [await http(url), await http(url)];
    await clock.advance(50);
    expect(calls.busy).toBe(0);
    // Chromium says why to who reads the stream itself, and to nobody else.
    const told = 'document' in globalThis ? { message: 'Failed to fetch' } : { code: 'HTTP_TIMEOUT_UNREAD' };
    expect(await failing(one.text())).toMatchObject(told);
    expect(await failing(other.body!.getReader().read())).toMatchObject({ code: 'HTTP_TIMEOUT_UNREAD' });
  });

  it('whose reader leaves while it waits for a chunk ends its call, and lets go of the connection', async () => {
    let cancelled: unknown;
    const body = new ReadableStream<Uint8Array>({ cancel: (reason) => void (cancelled = reason) });
    const call = pipeline();
    const reader = (await resilientFetch(call, { fetch: platform(() => new Response(body)) })(url)).body!.getReader();
    const reading = reader.read();
    await reader.cancel('enough');
    expect([(await reading).done, cancelled, await call.close()]).toEqual([true, 'enough', 0]);
  });

  it('that comes when its headers are overdue is let go of', async () => {
    const clock = new VirtualClock();
    let give: (response: Response) => void = () => undefined;
    let cancelled = false;
    const fetch: Fetch = () => new Promise((resolve) => (give = resolve));
    const call = pipeline({ clock });
    const done = resilientFetch(call, { fetch, headersTimeoutMs: 100 })(url);
    const error = failing(done);
    await clock.advance(100);
    expect(await error).toMatchObject({ code: 'HTTP_TIMEOUT_HEADERS' });
    give(new Response(new ReadableStream({ cancel: () => void (cancelled = true) })));
    await clock.advance(0);
    expect([cancelled, await call.close(), clock.pendingTimers]).toEqual([true, 0, 0]);
  });
});

describe('a response that has been read', () => {
  const reading = (): Promise<Response> => under(platform(answer(200, '{"a":1}')))(url);

  it('gives its JSON, once, as that of fetch does', async () => {
    const response = await reading();
    expect(await response.json()).toEqual({ a: 1 });
    expect([response.bodyUsed, response.body?.locked]).toEqual([true, (await readPlainly()).body?.locked]);
    expect(await failing(response.text())).toBeInstanceOf(TypeError);
    expect(await failing(response.arrayBuffer())).toBeInstanceOf(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
  });

  it('can not be read a second time in any way, also while it is being read, as that of fetch can not', async () => {
    const response = await resilientFetch(pipeline(), { fetch: platform(answer(200, 'text')) })(url);
    const text = response.text();
    for (const again of [() => response.text(), () => response.formData(), () => response.json()])
      expect(await failing(again())).toBeInstanceOf(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
    expect([response.bodyUsed, response.body!.locked]).toEqual([true, true]);
    expect(await text).toBe('text');
  });

  async function readPlainly(): Promise<Response> {
    const response = new Response('{"a":1}');
    await response.json();
    return response;
  }
});
