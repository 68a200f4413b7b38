/** Who asks, what they may do, and how often. */
import type { Clock } from 'breakwater/clock';
import { clientAddressKey, type RateLimitDecision, rateLimiter, type RateLimiter } from 'breakwater/rate-limit';
import type { FastifyReply } from 'fastify';
import { hash, timingSafeEqual } from 'node:crypto';
import type { Scope, Token } from '../config/tokens.ts';
import { ApiError } from './problems.ts';

/** What may change while the service runs. */
export interface AccessSettings {
  readonly tokens: readonly Token[];
  readonly rateLimit: number;
  readonly rateLimitPeriodMs: number;
}

/** A token that was set up, by its digest. */
export interface KnownToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly digest: Buffer;
}

const BEARER = /^Bearer ([\x21-\x7e]{1,512})$/i;

export class Access {
  private readonly clock: Clock;
  private tokens: readonly KnownToken[] = [];
  /** Counts the requests of each client. */
  readonly limiter: RateLimiter;
  /** The limit as `ratelimit-policy` tells it. */
  policy: string = '';
  private lastAddress: string = '';
  private lastKey: string = '';

  constructor(settings: AccessSettings, clock: Clock) {
    this.clock = clock;
    this.limiter = this.limiterOf(settings);
    this.change(settings);
  }

  /** Takes other tokens and limits. Where the limit itself is the same, counts go on. */
  change(settings: AccessSettings): void {
    const { tokens, rateLimit: limit, rateLimitPeriodMs } = settings;
    this.tokens = tokens.map(({ name, scopes, token }) => ({ name, scopes, digest: digestOf(token) }));
    this.limiter.update({ limit, periodMs: rateLimitPeriodMs, burst: limit });
    this.policy = `"default";q=${limit};w=${Math.ceil(rateLimitPeriodMs / 1_000)}`;
  }

  /** Whether there are tokens, without which nobody may do anything. */
  get isClosed(): boolean {
    return this.tokens.length > 0;
  }

  /**
   * Who asks, by the header; undefined for nobody who is known. All tokens are compared, and by their digests: how long it
   * takes tells nothing.
   */
  tokenOf(authorization: string | undefined): KnownToken | undefined {
    if (this.tokens.length === 0 || authorization === undefined) return undefined;
    const given = BEARER.exec(authorization)?.[1];
    if (given === undefined) return undefined;
    const digest = digestOf(given);
    let found: KnownToken | undefined;
    for (const token of this.tokens) if (timingSafeEqual(token.digest, digest)) found = token;
    return found;
  }

  /** Counts a request, for its token or else for its address. */
  count(token: KnownToken | undefined, address: string): RateLimitDecision {
    return this.limiter.tryAcquire(token === undefined ? this.keyOfAddress(address) : `token ${token.name}`);
  }

  /** Says in the answer how a request was counted. Throws where there are too many. */
  admit(decision: RateLimitDecision, reply: FastifyReply): void {
    void reply.header('ratelimit-policy', this.policy).header('ratelimit', remainingOf(decision));
    if (!decision.allowed) throw new ApiError('RATE_LIMITED', { retryAfterMs: decision.retryAfterMs });
  }

  /** Whether a token allows this. Without any tokens everybody may do everything. */
  isAllowed(token: KnownToken | undefined, scope: Scope): boolean {
    return this.tokens.length === 0 || token?.scopes.includes(scope) === true;
  }

  /** Throws where the request's token does not allow this. */
  authorize(token: KnownToken | undefined, authorization: string | undefined, scope: Scope): void {
    if (this.isAllowed(token, scope)) return;
    if (token !== undefined) throw new ApiError('FORBIDDEN', { message: `The token does not allow to ${scope}` });
    const isOther = authorization !== undefined && !BEARER.test(authorization);
    throw new ApiError('UNAUTHENTICATED', isOther ? { message: 'Send Authorization: Bearer and the token' } : {});
  }

  private limiterOf({ rateLimit: limit, rateLimitPeriodMs: periodMs }: AccessSettings): RateLimiter {
    return rateLimiter({ limit, periodMs, burst: limit, name: 'clients', clock: this.clock });
  }

  /** The requests of one connection come from one address: mostly it is the one that was asked for last. */
  private keyOfAddress(address: string): string {
    if (address !== this.lastAddress) {
      this.lastAddress = address;
      this.lastKey = `address ${clientAddressKey(address)}`;
    }
    return this.lastKey;
  }
}

/** What is left, as draft-ietf-httpapi-ratelimit-headers has it. */
export function remainingOf({ remaining, resetMs, retryAfterMs, allowed }: RateLimitDecision): string {
  return `"default";r=${remaining};t=${Math.ceil((allowed ? resetMs : retryAfterMs) / 1_000)}`;
}

const digestOf = (token: string): Buffer => hash('sha256', token, 'buffer');
