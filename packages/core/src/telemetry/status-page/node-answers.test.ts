import { describe, expect, it, vi } from 'vitest';
import type { StatusSource, StreamTarget } from './answer.ts';
import { answerNode } from './handlers.ts';
import type { NodeRequest, NodeResponse } from './server-ports.ts';

/** A page of which only streams matter. */
function source(begin: (target: StreamTarget) => () => void): StatusSource {
  return {
    isClosed: false,
    view: () => ({ title: 'Service', commands: false }) as never,
    command: () => Promise.reject(new Error('not asked')),
    failed: (_hook, error) => expect.unreachable(String(error)),
    stream: () => begin,
  };
}

const request = (more: Partial<NodeRequest> = {}): NodeRequest => ({ headers: {}, on: () => undefined, ...more });

/** What was written to a response, and what it tells of itself. */
function response(more: { writableNeedDrain?: boolean; destroyed?: boolean } = {}) {
  const parts: string[] = [];
  const made = {
    ...more,
    writeHead: vi.fn((_status: number, _headers: Record<string, string>) => undefined),
    write: (text: string) => parts.push(text) > 0,
    end: vi.fn((_text?: string) => undefined),
    on: vi.fn((_event: string, _listener: (error: Error) => void) => undefined),
  };
  const headers = () => made.writeHead.mock.calls[0]![1];
  return { made, parts, headers, answer: made as NodeResponse };
}

describe('a request of node:http', () => {
  it('without method and address asks for the page', async () => {
    const { answer, made, headers } = response();
    const headersAsked = { accept: ['text/plain', 'text/html'] };
    await answerNode(
      source(() => () => undefined),
      request({ headers: headersAsked }),
      answer,
      undefined,
    );
    expect(made.writeHead.mock.calls[0]![0]).toBe(200);
    expect(headers()['content-type']).toContain('text/html');
  });

  it('that accepts a stream gets one', async () => {
    const { answer, made, parts, headers } = response();
    const stop = vi.fn();
    const begin = (target: StreamTarget): (() => void) => {
      expect(target.send('data: 1\n\n')).toBe(true);
      target.end();
      return stop;
    };
    await answerNode(source(begin), request({ headers: { accept: 'text/event-stream' } }), answer, undefined);
    expect(headers()['content-type']).toContain('text/event-stream');
    expect([parts, made.end.mock.calls.length, stop.mock.calls.length]).toEqual([['data: 1\n\n'], 1, 0]);
  });
});

describe('a stream to a client of node:http', () => {
  it('leaves out what the client is too slow for', async () => {
    const { answer, made, parts } = response();
    let target: StreamTarget | undefined;
    const begin = (to: StreamTarget): (() => void) => {
      target = to;
      return () => undefined;
    };
    await answerNode(source(begin), request({ url: '/?format=events' }), answer, undefined);
    made.writableNeedDrain = true;
    expect(target!.send('1')).toBe(false);
    made.writableNeedDrain = false;
    expect(target!.send('2')).toBe(true);
    expect(parts).toEqual(['2']);
  });

  it('is ended at once for one that has gone before it began', async () => {
    const stop = vi.fn();
    const { answer } = response({ destroyed: true });
    await answerNode(
      source(() => stop),
      request({ url: '/?format=events' }),
      answer,
      undefined,
    );
    expect(stop).toHaveBeenCalledTimes(1);
  });
});
