/**
 * The limits of large providers of language models, by the names that their response headers have for them, so that
 * `feedback` finds each. What an account may do stands on the provider's own page; how it is counted stands here.
 */
import { resolveOptions } from '../options/resolve.ts';
import { integer, type Rules } from '../options/rules.ts';
import type { LimitOptions } from './limit-options.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** What an account of OpenAI's, or of one that has its headers, may do with a model. */
export interface OpenaiQuota {
  /** Requests per minute: the limit `requests`. */
  readonly requestsPerMinute: number;
  /** Tokens per minute, prompt and answer together: the limit `tokens`. */
  readonly tokensPerMinute: number;
  /** Requests per day: the limit `day`; default: none. */
  readonly requestsPerDay?: number | undefined;
}

/** What a deployment on Azure OpenAI may do. */
export type AzureOpenaiQuota = Pick<OpenaiQuota, 'requestsPerMinute' | 'tokensPerMinute'>;

/** What an account of Anthropic's may do with a class of models. */
export interface AnthropicQuota {
  /** Requests per minute: the limit `requests`. */
  readonly requestsPerMinute: number;
  /** Tokens per minute that are sent: the limit `input-tokens`. */
  readonly inputTokensPerMinute: number;
  /** Tokens per minute that are received: the limit `output-tokens`. */
  readonly outputTokensPerMinute: number;
}

/** What an account of Groq's may do with a model. */
export interface GroqQuota {
  /** Requests per minute, which its headers don't tell: the limit `minute`. */
  readonly requestsPerMinute: number;
  /** Requests per day, of which its headers speak: the limit `requests`. */
  readonly requestsPerDay: number;
  /** Tokens per minute: the limit `tokens`. */
  readonly tokensPerMinute: number;
}

const openaiRules: Rules<OpenaiQuota> = {
  requestsPerMinute: integer(1),
  tokensPerMinute: integer(1),
  requestsPerDay: integer(1),
};

/**
 * Buckets of a minute's worth, which fill steadily.
 *
 * @throws ConfigurationError
 */
export function openaiLimits(quota: OpenaiQuota): readonly LimitOptions[] {
  const required = ['requestsPerMinute', 'tokensPerMinute'] as const;
  const { requestsPerMinute, tokensPerMinute, requestsPerDay } = resolveOptions(
    'openaiLimits',
    quota,
    {},
    openaiRules,
    required,
  );
  const day = requestsPerDay === undefined ? [] : [{ name: 'day', limit: requestsPerDay, periodMs: DAY_MS }];
  return [perMinute('requests', requestsPerMinute), perMinute('tokens', tokensPerMinute), ...day];
}

/**
 * As {@link openaiLimits}, but requests are expected evenly over the minute: the service looks at seconds, so no more
 * than a second's worth may come at once.
 *
 * @throws ConfigurationError
 */
export function azureOpenaiLimits(quota: AzureOpenaiQuota): readonly LimitOptions[] {
  const required = ['requestsPerMinute', 'tokensPerMinute'] as const;
  const rules = { requestsPerMinute: integer(1), tokensPerMinute: integer(1) };
  const { requestsPerMinute, tokensPerMinute } = resolveOptions('azureOpenaiLimits', quota, {}, rules, required);
  const burst = Math.max(1, Math.floor(requestsPerMinute / 60));
  return [{ ...perMinute('requests', requestsPerMinute), burst }, perMinute('tokens', tokensPerMinute)];
}

/**
 * Buckets of a minute's worth, tokens apart by direction.
 *
 * @throws ConfigurationError
 */
export function anthropicLimits(quota: AnthropicQuota): readonly LimitOptions[] {
  const required = ['requestsPerMinute', 'inputTokensPerMinute', 'outputTokensPerMinute'] as const;
  const rules = { requestsPerMinute: integer(1), inputTokensPerMinute: integer(1), outputTokensPerMinute: integer(1) };
  const resolved = resolveOptions('anthropicLimits', quota, {}, rules, required);
  return [
    perMinute('requests', resolved.requestsPerMinute),
    perMinute('input-tokens', resolved.inputTokensPerMinute),
    perMinute('output-tokens', resolved.outputTokensPerMinute),
  ];
}

/**
 * As {@link openaiLimits}, but what the headers call requests is those of a day.
 *
 * @throws ConfigurationError
 */
export function groqLimits(quota: GroqQuota): readonly LimitOptions[] {
  const required = ['requestsPerMinute', 'requestsPerDay', 'tokensPerMinute'] as const;
  const rules = { requestsPerMinute: integer(1), requestsPerDay: integer(1), tokensPerMinute: integer(1) };
  const resolved = resolveOptions('groqLimits', quota, {}, rules, required);
  return [
    perMinute('minute', resolved.requestsPerMinute),
    { name: 'requests', limit: resolved.requestsPerDay, periodMs: DAY_MS },
    perMinute('tokens', resolved.tokensPerMinute),
  ];
}

function perMinute(name: string, limit: number): LimitOptions {
  return { name, limit, periodMs: MINUTE_MS };
}
