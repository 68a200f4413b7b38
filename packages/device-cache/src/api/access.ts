/** Who asks, what they may do, and how often. */
import type { Clock } from 'breakwater/clock';
import { clientAddressKey, type RateLimitDecision, rateLimiter, type RateLimiter } from 'breakwater/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Scope, Token } from '../config/tokens.ts';
import { ApiError } from './problems.ts';

/** What may change while the service runs. */
export interface AccessSettings {
  readonly tokens: readonly Token[];
  readonly rateLimit: number;
  readonly rateLimitPeriodMs: number;
}

interface KnownToken {
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
  private policy: string = '';
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

  /** Counts the request and says so in its answer. Throws where there are too many. */
  admit(request: FastifyRequest, reply: FastifyReply): void {
    const who = this.tokenOf(request)?.name;
    const key = who === undefined ? this.keyOfAddress(request.ip) : `token ${who}`;
    const decision = this.limiter.tryAcquire(key);
    this.tell(reply, decision);
    if (!decision.allowed) throw new ApiError('RATE_LIMITED', { retryAfterMs: decision.retryAfterMs });
  }

  /** Throws where the request's token does not allow this. Without any tokens everybody may do everything. */
  authorize(request: FastifyRequest, scope: Scope): void {
    if (this.tokens.length === 0) return;
    const { authorization } = request.headers;
    if (authorization === undefined) throw new ApiError('UNAUTHENTICATED');
    if (!BEARER.test(authorization)) {
      throw new ApiError('UNAUTHENTICATED', { message: 'Send Authorization: Bearer and the token' });
    }
    const token = this.tokenOf(request);
    if (token === undefined) throw new ApiError('UNAUTHENTICATED');
    if (!token.scopes.includes(scope))
      throw new ApiError('FORBIDDEN', { message: `The token does not allow to ${scope}` });
  }

  /** All tokens are compared, and by their digests: how long it takes tells nothing. */
  private tokenOf(request: FastifyRequest): KnownToken | undefined {
    const given = BEARER.exec(request.headers.authorization ?? '')?.[1];
    if (given === undefined || this.tokens.length === 0) return undefined;
    const digest = digestOf(given);
    let found: KnownToken | undefined;
    for (const token of this.tokens) if (timingSafeEqual(token.digest, digest)) found = token;
    return found;
  }

  private limiterOf({ rateLimit: limit, rateLimitPeriodMs: periodMs }: AccessSettings): RateLimiter {
    return rateLimiter({ limit, periodMs, burst: limit, name: 'clients', clock: this.clock });
  }

  /** As draft-ietf-httpapi-ratelimit-headers has it. */
  private tell(reply: FastifyReply, { remaining, resetMs, retryAfterMs, allowed }: RateLimitDecision): void {
    const seconds = Math.ceil((allowed ? resetMs : retryAfterMs) / 1_000);
    void reply.header('ratelimit-policy', this.policy).header('ratelimit', `"default";r=${remaining};t=${seconds}`);
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

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();
