import { describe, expect, it } from 'vitest';
import { hedge } from '../../src/hedge/index.ts';
import { resilientFetch } from '../../src/http/index.ts';
import { pipeline } from '../../src/pipeline/index.ts';
import { withServer } from './test-server.ts';

describe('a hedged fetch against a server', () => {
  it('takes the answer of the second request, and the first, which never has one, is broken off', () => {
    let calls = 0;
    return withServer(
      (_request, response) => {
        if (++calls > 1) response.end('second');
      },
      async (server) => {
        const call = pipeline(hedge({ delayMs: 20 }));
        const response = await resilientFetch(call)(server.url);
        expect(await response.text()).toBe('second');
        expect(await call.close()).toBe(0);
        await server.allEnded();
        expect(server.requests).toHaveLength(2);
      },
    );
  });

  it('gives back the connection of a second response in the middle of its body', () => {
    let calls = 0;
    return withServer(
      (_request, response) => {
        response.writeHead(200);
        // The headers of both go out; only the body of the first comes to an end.
        if (++calls === 1) setTimeout(() => response.end('first'), 50);
        else response.write('endless');
      },
      async (server) => {
        const call = pipeline(hedge({ delayMs: 0 }));
        const response = await resilientFetch(call, { body: 'buffered' })(server.url);
        expect(await response.text()).toBe('first');
        expect(await call.close()).toBe(0);
        await server.allEnded();
      },
    );
  });
});
