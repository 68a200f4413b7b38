// A provider of the AI SDK under policies. Needs `npm install ai @ai-sdk/openai-compatible breakwater`.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText } from 'ai';
import { bulkhead, circuitBreaker, pipeline, retry, timeout } from 'breakwater';
import { aiFetch } from 'breakwater/ai-sdk';
import { unsteadyServer } from './unsteady-server.mjs';

const server = await unsteadyServer((response) =>
  response.end(
    JSON.stringify({
      id: '1',
      created: 1,
      model: 'model-1',
      choices: [{ index: 0, message: { role: 'assistant', content: 'three teapots' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    }),
  ),
);
const calls = pipeline(timeout({ timeoutMs: 60_000 }), retry(), circuitBreaker(), bulkhead({ maxConcurrent: 4 }));
const provider = createOpenAICompatible({
  name: 'local',
  baseURL: server.url,
  fetch: aiFetch(calls, { headersTimeoutMs: 10_000, bodyTimeoutMs: 5_000 }),
});

for (let call = 0; call < 3; call++) {
  // The pipeline retries: the SDK need not.
  const { text } = await generateText({ model: provider('model-1'), prompt: 'What is in stock?', maxRetries: 0 });
  console.log(text);
}
console.log(server.seen);

await calls.close();
server.close();
