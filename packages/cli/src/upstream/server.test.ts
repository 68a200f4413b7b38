import { VirtualClock } from 'breakwater/clock';
import { afterEach, describe, expect, it } from 'vitest';
import type { UpstreamOptions } from './options.ts';
import { parseOutage } from './outages.ts';
import { startUpstream, type Upstream } from './server.ts';

const running: Upstream[] = [];
afterEach(() => Promise.all(running.splice(0).map((upstream) => upstream.close())));

async function start(options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = await startUpstream({ clock: new VirtualClock(), ...options });
  running.push(upstream);
  return upstream;
}

function post(upstream: Upstream, row: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${upstream.url}/cards`, { method: 'POST', body: JSON.stringify(row), headers });
}

/** Turns of the event loop until `ready`: sockets need some, and no time passes. */
async function until(clock: VirtualClock, ready: () => boolean): Promise<void> {
  while (!ready()) await clock.advance(0);
}

/** What each of 200 rows meets, in the order given. */
async function fatesOf(upstream: Upstream, rows: readonly number[]): Promise<Map<number, string>> {
  const fates = new Map<number, string>();
  for (const row of rows) {
    const fate = await post(upstream, {}, { 'idempotency-key': `row-${row}` })
      .then(
        async (response) =>
          `${response.status} ${await response.json().then(
            () => 'json',
            () => 'no json',
          )}`,
      )
      .catch(() => 'cut');
    fates.set(row, fate);
  }
  return fates;
}

describe('the misbehaving upstream', () => {
  it('answers a card made from the request, the same each time', async () => {
    const upstream = await start();
    const send = () => post(upstream, { position: 7, term: '사과', type: 'noun' }, { 'idempotency-key': 'k7' });
    const card = await (await send()).json();
    expect(card).toEqual({
      id: expect.stringMatching(/^card_[0-9a-f]{8}$/),
      term: '사과',
      translation: 'sagwa',
      idempotencyKey: 'k7',
      request: { position: 7, term: '사과', type: 'noun' },
    });
    expect(await (await send()).json()).toEqual(card);
    expect(upstream.calls()[1]).toMatchObject({ key: 'k7', attempt: 2, outcome: 'answered', status: 200, position: 7 });
  });

  it('answers GET from the query, and any path', async () => {
    const upstream = await start();
    const card = await (await fetch(`${upstream.url}/words?term=${encodeURIComponent('물')}&position=3`)).json();
    expect(card).toMatchObject({ term: '물', translation: 'mul', request: null });
    expect(upstream.calls()[0]).toMatchObject({ method: 'GET', position: '3' });
  });

  it('meets the same rows with the same failures whatever their order', async () => {
    const fail = { 500: 0.2, 503: 0.1, reset: 0.1, half: 0.1, 'bad-json': 0.1 } as const;
    const rows = Array.from({ length: 200 }, (_, row) => row);
    const forwards = await fatesOf(await start({ seed: 5, fail }), rows);
    const backwards = await fatesOf(await start({ seed: 5, fail }), rows.toReversed());
    expect(new Map([...backwards].toSorted(([a], [b]) => a - b))).toEqual(forwards);
    expect(new Set(forwards.values())).toEqual(new Set(['200 json', '500 json', '503 json', 'cut', '200 no json']));
    expect(await fatesOf(await start({ seed: 6, fail }), rows)).not.toEqual(forwards);
  });

  it('refuses what exceeds the limit in any window, and says exactly when there is room', async () => {
    const clock = new VirtualClock();
    const upstream = await start({ clock, limit: { calls: 2, periodMs: 1_000, burst: 1 } });
    const statuses = [];
    for (let call = 0; call < 4; call += 1) statuses.push((await post(upstream, { call })).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    await clock.advance(400);
    const refused = await post(upstream, { call: 9 });
    expect([refused.headers.get('retry-after'), refused.headers.get('retry-after-ms')]).toEqual(['1', '600']);
    await clock.advance(600);
    expect((await post(upstream, { call: 9 })).status).toBe(200);
    expect(upstream.ledger()).toMatchObject({ limited: 2, peak: { periodMs: 1_000, calls: 5, accepted: 3 } });
  });

  it('is out of service at the given times after the first call', async () => {
    const clock = new VirtualClock();
    const upstream = await start({ clock, outages: [parseOutage('1s..2s'), parseOutage('3s..4s=reset')] });
    await clock.advance(5_000);
    const seen = [];
    for (let second = 0; second < 5; second += 1) {
      seen.push(
        await post(upstream, { second }).then(
          (response) => response.status,
          () => 'cut',
        ),
      );
      await clock.advance(1_000);
    }
    expect(seen).toEqual([200, 503, 200, 'cut', 200]);
    expect(upstream.ledger().byOutcome).toEqual({ answered: 3, outage: 2 });
  });

  it('refuses connections in an outage of that mode, and is back on its port after it', async () => {
    const clock = new VirtualClock();
    const upstream = await start({ clock, outages: [parseOutage('1s..2s=refuse')], outagesFrom: 'start' });
    await clock.advance(1_000);
    await expect(post(upstream, {})).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await clock.advance(1_000);
    expect((await post(upstream, {})).status).toBe(200);
  });

  it('answers 401 to callers without the token', async () => {
    const upstream = await start({ auth: 'secret' });
    expect((await post(upstream, {})).status).toBe(401);
    expect((await post(upstream, {}, { authorization: 'Bearer secret' })).status).toBe(200);
  });

  it('takes the latency that its clock says, and writes down a caller who left meanwhile', async () => {
    const clock = new VirtualClock();
    const upstream = await start({ clock, latency: { shape: 'fixed', ms: 5_000 } });
    const slow = post(upstream, { row: 1 });
    const leaving = new AbortController();
    const left = fetch(upstream.url, { signal: leaving.signal }).catch(() => 'left');
    await until(clock, () => upstream.ledger().calls === 2);
    leaving.abort();
    await left;
    await until(clock, () => upstream.ledger().pending === 1);
    await clock.advance(5_000);
    expect((await slow).status).toBe(200);
    expect(upstream.ledger().byOutcome).toEqual({ abandoned: 1, answered: 1 });
  });

  it('shows its ledger over HTTP, and starts it anew', async () => {
    const upstream = await start();
    await post(upstream, { position: 1 }, { 'idempotency-key': 'a' });
    const get = (path: string) => fetch(upstream.url + path);
    expect(await (await get('/_ledger?keys=all')).json()).toMatchObject({
      calls: 1,
      callsByKey: { a: { calls: 1, answered: 1 } },
    });
    const lines = (await (await get('/_ledger?format=jsonl')).text()).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).key)).toEqual(['a']);
    expect(await (await get('/_health')).json()).toEqual({ ok: true, outage: null, calls: 1 });
    expect((await fetch(`${upstream.url}/_ledger`, { method: 'DELETE' })).status).toBe(204);
    expect(upstream.ledger()).toMatchObject({ calls: 0, answered: 0 });
  });

  it('refuses a body above its bound', async () => {
    const upstream = await start();
    const response = await post(upstream, { text: 'x'.repeat(1_100_000) }).catch(() => undefined);
    if (response) expect(response.status).toBe(413);
    expect(upstream.ledger().byOutcome).toEqual({ 413: 1 });
  });

  it('leaves no socket and no timer when it closes, whatever was hanging', async () => {
    const clock = new VirtualClock();
    const upstream = await start({
      clock,
      fail: { hang: 0.5 },
      latency: { shape: 'fixed', ms: 1_000 },
      outages: [parseOutage('5s..6s=refuse')],
    });
    const calls = Array.from({ length: 20 }, (_, row) => post(upstream, { row }).catch(() => 'cut'));
    await until(clock, () => upstream.ledger().calls === 20);
    await upstream.close();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['cut']));
    expect(clock.pendingTimers).toBe(0);
    await expect(post(upstream, {})).rejects.toThrow();
  });
});
