import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { aiFetch } from '../../src/ai-sdk/index.ts';
import { bulkhead } from '../../src/bulkhead/index.ts';
import { circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { pipeline } from '../../src/pipeline/index.ts';
import { constant, retry } from '../../src/retry/index.ts';
import { type Handler, withServer } from '../http/test-server.ts';

const quickly = (maxAttempts = 3) => retry({ maxAttempts, backoff: constant(0) });

function modelAt(url: string, fetch: typeof globalThis.fetch) {
  return createOpenAICompatible({ name: 'local', baseURL: url, fetch })('model-1');
}

const answer = (text: string) =>
  JSON.stringify({
    id: '1',
    created: 1,
    model: 'model-1',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  });

function json(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '1' }).end(body);
}

function token(text: string, last = false): string {
  const choice = { index: 0, delta: { content: text }, finish_reason: last ? 'stop' : null };
  return `data: ${JSON.stringify({ id: '1', created: 1, model: 'model-1', choices: [choice] })}\n\n`;
}

describe('aiFetch as the fetch of a provider of the AI SDK', () => {
  it('retries a model that is overloaded, also by 529', () => {
    let calls = 0;
    return withServer(
      (_request, response) => {
        calls++;
        if (calls < 3) json(response, calls === 1 ? 529 : 429, '{"error":{"message":"busy"}}');
        else json(response, 200, answer('hello'));
      },
      async (server) => {
        const call = pipeline(quickly());
        const model = modelAt(server.url, aiFetch(call));
        const { text } = await generateText({ model, prompt: 'hi', maxRetries: 0 });
        expect([text, calls]).toEqual(['hello', 3]);
        expect(await call.close()).toBe(0);
      },
    );
  });

  it('leaves the last error to the provider, which reads it out of the body', () =>
    withServer(
      (_request, response) => json(response, 503, '{"error":{"message":"the model is away"}}'),
      async (server) => {
        const breaker = circuitBreaker({ failureRatio: 1, minThroughput: 2 });
        const model = modelAt(server.url, aiFetch(pipeline(quickly(2), breaker)));
        const error: unknown = await generateText({ model, prompt: 'hi', maxRetries: 0 }).catch((e: unknown) => e);
        expect(error).toMatchObject({ name: 'AI_APICallError', statusCode: 503, message: 'the model is away' });
        expect([server.requests.length, breaker.state]).toEqual([2, 'open']);
      },
    ));

  it('holds its permit for the whole stream of tokens', () => {
    const permits = bulkhead({ maxConcurrent: 1 });
    const stream: Handler = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(token('hel'));
      setTimeout(() => response.end(`${token('lo', true)}data: [DONE]\n\n`), 30);
    };
    return withServer(stream, async (server) => {
      const call = pipeline(permits);
      const model = modelAt(server.url, aiFetch(call));
      const held: number[] = [];
      let text = '';
      for await (const part of streamText({ model, prompt: 'hi', maxRetries: 0 }).textStream) {
        held.push(permits.running);
        text += part;
      }
      expect([text, held[0]]).toEqual(['hello', 1]);
      expect(await call.close()).toBe(0);
      expect(permits.running).toBe(0);
    });
  });

  it('breaks a stream of tokens off that falls silent', () =>
    withServer(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(token('hel'));
      },
      async (server) => {
        const model = modelAt(server.url, aiFetch(pipeline(), { bodyTimeoutMs: 40 }));
        const result = streamText({ model, prompt: 'hi', maxRetries: 0, onError: () => undefined });
        const read = async (): Promise<void> => {
          for await (const part of result.textStream) expect(part).toBe('hel');
        };
        const error: unknown = await read().catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ name: 'AI_APICallError', cause: { code: 'HTTP_TIMEOUT_BODY' } });
        await server.allEnded();
      },
    ));
});
