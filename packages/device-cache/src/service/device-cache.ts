/** The service as a whole: its parts, put together, started and stopped in their order. */
import type { HealthCause, HealthStatus } from '@breakwater/device-client/contract';
import { type Clock, systemClock, type Timer } from 'breakwater/clock';
import type { Logger } from 'pino';
import { Access } from '../api/access.ts';
import { type Api, createApi } from '../api/server.ts';
import { ChangeFeed } from '../changes/change-feed.ts';
import type { Configuration } from '../config/configuration.ts';
import type { DeadLetters } from '../dead-letters/dead-letters.ts';
import { deadLetterFile } from '../dead-letters/dead-letter-file.ts';
import { FileSource } from '../intake/file-source.ts';
import { Intake } from '../intake/intake.ts';
import type { MessageSource } from '../intake/message-source.ts';
import { KafkaDeadLetters } from '../kafka/kafka-dead-letters.ts';
import { KafkaSource } from '../kafka/kafka-source.ts';
import type { MessageRules } from '../message/reading-message.ts';
import { Counters } from '../metrics/counters.ts';
import { NearCache } from '../near-cache/near-cache.ts';
import { redisClient, type RedisClient } from '../store/redis/redis-client.ts';
import { redisStore } from '../store/redis/redis-store.ts';
import { sqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { DeviceStore } from '../store/store.ts';

/** How often expired devices are taken out, and the state of the parts is looked at. */
const ROUND_MS = 5_000;

/** A health answer is good for so long: who asks often doesn't load the store. */
const HEALTH_MS = 500;

export class DeviceCache {
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly store: DeviceStore;
  private readonly redis: RedisClient | undefined;
  private readonly counters: Counters = new Counters();
  private readonly feed: ChangeFeed;
  private readonly nearCache: NearCache;
  private readonly access: Access;
  private readonly deadLetters: DeadLetters;
  private readonly sources: readonly MessageSource[];
  private api: Api | undefined = undefined;
  private configuration: Configuration;
  private rules: MessageRules;
  private isDraining: boolean = false;
  private round: Timer | undefined = undefined;
  private rounds: Promise<void> = Promise.resolve();
  private lastHealth: { readonly at: number; readonly status: Promise<HealthStatus> } | undefined = undefined;

  private constructor(
    configuration: Configuration,
    log: Logger,
    clock: Clock,
    deadLetters: DeadLetters,
    client: RedisClient | undefined,
  ) {
    this.configuration = configuration;
    this.log = log;
    this.clock = clock;
    this.deadLetters = deadLetters;
    this.rules = rulesOf(configuration);
    const { redis, store, kafka, messages } = configuration;
    const ttlMs = store.ttlSeconds * 1_000;
    this.redis = client;
    this.store =
      redis === undefined || this.redis === undefined
        ? sqliteStore({ path: store.path, ttlMs, clock })
        : redisStore({
            port: this.redis.port,
            keys: { prefix: redis.keyPrefix, hashTags: redis.hashTags ?? this.redis.port.isCluster === true },
            timeoutMs: redis.timeoutMs,
            ttlMs,
            clock,
          });
    this.feed = new ChangeFeed(log);
    this.nearCache = new NearCache(this.store, store.nearCacheEntries, clock);
    this.access = new Access(configuration.api, clock);
    const intake = this.intake;
    this.sources = [
      ...(messages.seedFile === undefined ? [] : [new FileSource(messages.seedFile, intake)]),
      ...(kafka === undefined
        ? []
        : [new KafkaSource({ configuration: kafka, intake, store: this.store, clock, log })]),
    ];
  }

  /** Starts a service; resolves when it listens. What it can't have yet, it goes on trying for. */
  static async start(configuration: Configuration, log: Logger, clock: Clock = systemClock): Promise<DeviceCache> {
    const { kafka, messages } = configuration;
    const deadLetters =
      kafka === undefined || kafka.errorTopic === ''
        ? await deadLetterFile(messages.deadLetterFile)
        : new KafkaDeadLetters(kafka, log);
    const client = configuration.redis === undefined ? undefined : redisClient(configuration.redis, log);
    let service: DeviceCache;
    try {
      service = new DeviceCache(configuration, log, clock, deadLetters, client);
    } catch (error) {
      client?.close();
      await deadLetters.close();
      throw error;
    }
    try {
      await service.start();
    } catch (error) {
      await service.stop();
      throw error;
    }
    return service;
  }

  /** Where it listens. */
  url: string = '';

  /** Takes what may change while it runs. */
  change(configuration: Configuration): void {
    this.configuration = configuration;
    this.rules = rulesOf(configuration);
    this.store.setTtl(configuration.store.ttlSeconds * 1_000);
    this.access.change(configuration.api);
    this.log.level = configuration.log.level;
  }

  /** Welcomes no more requests, ends those that are open, writes and commits what was read, and lets go of everything. */
  async stop(): Promise<void> {
    if (this.isDraining) return;
    this.isDraining = true;
    this.round?.cancel();
    await Promise.all(this.sources.map((source) => source.stop()));
    await this.api?.close();
    await this.rounds;
    await this.feed.stop();
    await this.nearCache.close();
    await this.deadLetters.close();
    await this.store.close();
    this.redis?.close();
  }

  private async start(): Promise<void> {
    await this.feed.start(this.store);
    this.nearCache.follow(this.feed);
    this.api = await createApi({
      configuration: this.configuration.api,
      store: this.store,
      nearCache: this.nearCache,
      feed: this.feed,
      intake: this.intake,
      access: this.access,
      counters: this.counters,
      clock: this.clock,
      log: this.log,
      rules: () => this.rules,
      health: () => this.health(),
      isDraining: () => this.isDraining,
    });
    for (const source of this.sources) await source.start();
    this.url = await this.api.listen();
    this.goRound();
  }

  private get intake(): Intake {
    const { store, deadLetters, counters, clock } = this;
    return new Intake({ store, deadLetters, counters, clock, rules: () => this.rules });
  }

  private health(): Promise<HealthStatus> {
    const now = this.clock.now();
    if (this.lastHealth === undefined || now - this.lastHealth.at >= HEALTH_MS) {
      this.lastHealth = { at: now, status: this.examine() };
    }
    return this.lastHealth.status;
  }

  private async examine(): Promise<HealthStatus> {
    const causes: HealthCause[] = [];
    try {
      await this.store.ping();
    } catch {
      causes.push({
        component: 'store',
        status: 'unhealthy',
        message: `the store (${this.store.kind}) does not answer`,
      });
    }
    this.counters.set('store_up', {}, causes.length === 0 ? 1 : 0);
    for (const { name, state } of this.sources) {
      this.counters.set('source_up', { source: name }, state.status === 'healthy' ? 1 : 0);
      if (state.status !== 'healthy') causes.push({ component: name.split(':')[0]!, ...state });
    }
    if (this.isDraining)
      causes.push({ component: 'service', status: 'unhealthy', message: 'the service is shutting down' });
    const worst = causes.some(({ status }) => status === 'unhealthy') ? 'unhealthy' : 'degraded';
    const checkedAt = new Date(this.clock.wallTime()).toISOString();
    return { status: causes.length === 0 ? 'healthy' : worst, causes, checkedAt };
  }

  private goRound(): void {
    this.rounds = this.lookAround().finally(() => {
      if (!this.isDraining) this.round = this.clock.setTimer(ROUND_MS, () => this.goRound(), true);
    });
  }

  private async lookAround(): Promise<void> {
    try {
      await this.store.sweep();
      this.counters.set('devices', {}, (await this.store.info()).devices);
    } catch (error) {
      this.log.debug({ err: error }, 'the store is away');
    }
    this.counters.set('dead_letters_total', {}, this.deadLetters.buried);
    await this.health();
  }
}

function rulesOf({ messages }: Configuration): MessageRules {
  return { maxMessageBytes: messages.maxBytes, maxSkewMs: messages.maxSkewMs };
}
