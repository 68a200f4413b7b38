/** The service as a whole: its parts, put together, started and stopped in their order. */
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
import { MeasuredStore } from '../metrics/measured-store.ts';
import { ServiceMetrics } from '../metrics/service-metrics.ts';
import { NearCache } from '../near-cache/near-cache.ts';
import { redisClient, type RedisClient } from '../store/redis/redis-client.ts';
import { redisStore } from '../store/redis/redis-store.ts';
import { sqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { DeviceStore } from '../store/store.ts';
import { ServiceHealth } from './health.ts';

/** How often expired devices are taken out, and the state of the parts is looked at. */
const ROUND_MS = 5_000;

export class DeviceCache {
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly store: DeviceStore;
  private readonly redis: RedisClient | undefined;
  private readonly metrics: ServiceMetrics = new ServiceMetrics();
  private readonly health: ServiceHealth;
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
    this.redis = client;
    const { store, kafka, messages } = configuration;
    const kept = storeOf(configuration, client, clock);
    this.store = new MeasuredStore(kept, this.metrics.storeTimes, clock);
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
    this.health = new ServiceHealth({
      store: this.store,
      sources: this.sources,
      counters: this.metrics.counters,
      clock,
      isDraining: () => this.isDraining,
    });
    this.metrics.watch(this.nearCache.measured, this.access.limiter, ...(kept.pipeline ? [kept.pipeline] : []));
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
    this.health.close();
    this.metrics.close();
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
      metrics: this.metrics,
      clock: this.clock,
      log: this.log,
      rules: () => this.rules,
      health: () => this.health.look(),
      isDraining: () => this.isDraining,
    });
    for (const source of this.sources) await source.start();
    this.url = await this.api.listen();
    this.goRound();
  }

  private get intake(): Intake {
    const { store, deadLetters, clock } = this;
    return new Intake({ store, deadLetters, counters: this.metrics.counters, clock, rules: () => this.rules });
  }

  private goRound(): void {
    this.rounds = this.lookAround().finally(() => {
      if (!this.isDraining) this.round = this.clock.setTimer(ROUND_MS, () => this.goRound(), true);
    });
  }

  private async lookAround(): Promise<void> {
    await Promise.all([this.sweep(), this.health.look(), ...this.sources.map((source) => this.measureLag(source))]);
    this.metrics.counters.set('dead_letters_total', {}, this.deadLetters.buried);
  }

  private async sweep(): Promise<void> {
    try {
      await this.store.sweep();
      this.metrics.counters.set('devices', {}, (await this.store.info()).devices);
    } catch (error) {
      this.log.debug({ err: error }, 'the store is away');
    }
  }

  private async measureLag(source: MessageSource): Promise<void> {
    const lag = await source.lag();
    const { counters } = this.metrics;
    counters.forget('consumer_lag_messages', source.name);
    for (const [partition, messages] of lag)
      counters.set('consumer_lag_messages', { source: source.name, partition: String(partition) }, messages);
  }
}

function storeOf({ redis, store }: Configuration, client: RedisClient | undefined, clock: Clock): DeviceStore {
  const ttlMs = store.ttlSeconds * 1_000;
  if (redis === undefined || client === undefined) return sqliteStore({ path: store.path, ttlMs, clock });
  return redisStore({
    port: client.port,
    keys: { prefix: redis.keyPrefix, hashTags: redis.hashTags ?? client.port.isCluster === true },
    timeoutMs: redis.timeoutMs,
    ttlMs,
    clock,
  });
}

function rulesOf({ messages }: Configuration): MessageRules {
  return { maxMessageBytes: messages.maxBytes, maxSkewMs: messages.maxSkewMs };
}
