import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { serverSentEvents, type ServerSentEvent } from './index.ts';

async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    yield bytes.slice(from, cut);
    from = cut;
  }
}

async function parsed(text: string, cuts: readonly number[] = []): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(inPieces(new TextEncoder().encode(text), cuts))) events.push(event);
  return events;
}

describe('serverSentEvents', () => {
  it('reads data, type, id and retry, and joins the lines of one event', async () => {
    const text = ': hello\ndata: first\ndata:second\nevent: token\nid: 7\nretry: 250\n\ndata\n\n';
    expect(await parsed(text)).toEqual([
      { event: 'token', data: 'first\nsecond', lastEventId: '7', retryMs: 250 },
      { event: 'message', data: '', lastEventId: '7', retryMs: 250 },
    ]);
  });

  it.each([
    ['a line', 'data: ', 'x'],
    ['an event', 'data: one\n', 'data: x\n'],
  ])('ends a stream in which %s never ends, and lets go of the body', async (_what, first, more) => {
    let letGo = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        yield new TextEncoder().encode(`data: whole\n\n${first}`);
        for (;;) yield new TextEncoder().encode(more);
      } finally {
        letGo = true;
      }
    }
    const events: string[] = [];
    const reading = (async () => {
      for await (const { data } of serverSentEvents(endless(), { maxEventLength: 100 })) events.push(data);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'STREAM_EVENT_TOO_LARGE', category: 'validation' });
    expect([events, letGo]).toEqual([['whole'], true]);
    expect(() => serverSentEvents(endless(), { maxEventLength: 0 })).toThrow(/serverSentEvents.maxEventLength/);
  });

  it('takes many events that are long together', async () => {
    const text = 'data: 0123456789\n\n'.repeat(1_000);
    const events = serverSentEvents(inPieces(new TextEncoder().encode(text), [5_000]), { maxEventLength: 20 });
    let count = 0;
    for await (const { data } of events) if (data === '0123456789') count++;
    expect(count).toBe(1_000);
  });

  it('leaves out events without data and a last one that is incomplete', async () => {
    expect(await parsed('event: ping\n\ndata: whole\n\ndata: cut o')).toMatchObject([
      { event: 'message', data: 'whole' },
    ]);
  });

  it('keeps one space of the value at most, and ignores ids with a null and retries that are no number', async () => {
    expect(await parsed('data:  two\nid: a\0b\nretry: soon\nnonsense: x\n\n')).toEqual([
      { event: 'message', data: ' two', lastEventId: '', retryMs: undefined },
    ]);
  });

  it('drops the byte order mark', async () => {
    expect(await parsed('\uFEFFdata: x\n\n')).toMatchObject([{ data: 'x' }]);
  });

  it('gives the same events wherever the bytes are cut and however lines end', async () => {
    const line = fc.constantFrom('data: é', 'data: 한국어', 'data:', 'event: a', 'id: 3', ': note', '');
    const ending = fc.constantFrom('\n', '\r', '\r\n');
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.array(ending, { minLength: 1 }),
        fc.array(fc.nat(500)),
        async (lines, ends, cuts) => {
          const whole = await parsed(lines.map((text) => `${text}\n`).join(''));
          const cut = await parsed(lines.map((text, at) => text + ends[at % ends.length]).join(''), cuts);
          // A CR before an LF is one end of a line; two ends in a row would read as one.
          const ambiguous = lines.some(
            (text, at) =>
              text === '' && at > 0 && `${ends[(at - 1) % ends.length]}${ends[at % ends.length]}`.startsWith('\r\n'),
          );
          fc.pre(!ambiguous);
          expect(cut).toEqual(whole);
        },
      ),
      propertyRuns(300),
    );
  });

  it('lets go of the body when its reader stops', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('data: x\n\n')),
      cancel: () => void (cancelled = true),
    });
    for await (const { data } of serverSentEvents(body)) {
      expect(data).toBe('x');
      break;
    }
    expect(cancelled).toBe(true);
  });
});
