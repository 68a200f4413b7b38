import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import {
  anthropicLimits,
  azureOpenaiLimits,
  groqLimits,
  type LimitOptions,
  openaiLimits,
  rateLimiter,
} from './index.ts';

const minute = { requestsPerMinute: 60, tokensPerMinute: 6_000 };

/** How much is left of each limit after a response with these headers. */
function leftAfter(limits: readonly LimitOptions[], headers: Record<string, string>) {
  const limiter = rateLimiter({ limits, clock: new VirtualClock() });
  limiter.feedback({ status: 200, headers });
  return Object.fromEntries(
    limiter.limits.map(({ name }) => {
      let left = 0;
      const others = Object.fromEntries(limiter.limits.map((other) => [other.name, 0]));
      while (limiter.check(undefined, { cost: { ...others, [name]: left + 1 } }).allowed) left++;
      return [name, left];
    }),
  );
}

describe('limits of providers of language models', () => {
  it("follow the headers of OpenAI's form", () => {
    const headers = { 'x-ratelimit-remaining-requests': '50', 'x-ratelimit-remaining-tokens': '100' };
    expect(leftAfter(openaiLimits({ ...minute, requestsPerDay: 500 }), headers)).toEqual({
      requests: 50,
      tokens: 100,
      day: 500,
    });
  });

  it("follow Anthropic's, which tell input and output apart", () => {
    const quota = { requestsPerMinute: 50, inputTokensPerMinute: 300, outputTokensPerMinute: 80 };
    const headers = {
      'anthropic-ratelimit-requests-remaining': '49',
      'anthropic-ratelimit-input-tokens-remaining': '200',
      'anthropic-ratelimit-output-tokens-remaining': '10',
      'anthropic-ratelimit-tokens-remaining': '5',
    };
    expect(leftAfter(anthropicLimits(quota), headers)).toEqual({
      requests: 49,
      'input-tokens': 200,
      'output-tokens': 10,
    });
  });

  it("let no more than a second's requests go to Azure at once, whatever is left of the minute", () => {
    const headers = { 'x-ratelimit-remaining-requests': '90', 'x-ratelimit-remaining-tokens': '700' };
    expect(leftAfter(azureOpenaiLimits({ requestsPerMinute: 600, tokensPerMinute: 1_000 }), headers)).toEqual({
      requests: 10,
      tokens: 700,
    });
  });

  it("take Groq's requests for those of a day", () => {
    const headers = { 'x-ratelimit-remaining-requests': '20', 'x-ratelimit-remaining-tokens': '900' };
    const quota = { requestsPerMinute: 30, requestsPerDay: 1_000, tokensPerMinute: 6_000 };
    expect(leftAfter(groqLimits(quota), headers)).toEqual({ minute: 30, requests: 20, tokens: 900 });
  });

  it("count OpenAI's requests of a day only where the account has such a limit", () => {
    const names = (quota: Parameters<typeof openaiLimits>[0]) => openaiLimits(quota).map(({ name }) => name);
    expect(names({ requestsPerMinute: 60, tokensPerMinute: 900 })).toEqual(['requests', 'tokens']);
    expect(names({ requestsPerMinute: 60, tokensPerMinute: 900, requestsPerDay: 5 })).toEqual([
      'requests',
      'tokens',
      'day',
    ]);
  });

  it('refuse numbers that can not be meant', () => {
    expect(() => openaiLimits({ ...minute, requestsPerMinute: 0 })).toThrow(ConfigurationError);
    expect(() => azureOpenaiLimits({} as never)).toThrow(ConfigurationError);
    expect(() => anthropicLimits({ ...minute } as never)).toThrow(/tokensPerMinute/);
    expect(() => groqLimits({ ...minute } as never)).toThrow(/requestsPerDay/);
  });

  it('hold everybody back when the provider is overloaded and says for how long', () => {
    const limiter = rateLimiter({
      limits: anthropicLimits({ requestsPerMinute: 50, inputTokensPerMinute: 9, outputTokensPerMinute: 9 }),
      clock: new VirtualClock(),
    });
    limiter.feedback({ status: 529, headers: { 'retry-after': '7' } });
    expect(limiter.tryAcquire()).toMatchObject({ allowed: false, limitName: 'pause', retryAfterMs: 7_000 });
  });
});
