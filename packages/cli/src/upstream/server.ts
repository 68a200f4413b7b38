import type { MonotonicMs, Timer } from 'breakwater/clock';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { cutConnection, sendBadJson, sendCard, sendError, sendHalf, sendLimited } from './answers.ts';
import { callKey, receivedCall, type ReceivedCall } from './call-key.ts';
import { positionOf } from './card.ts';
import { diceOf, pickFault, type Fault } from './faults.ts';
import { Gatekeeper, type Admission } from './gatekeeper.ts';
import type { KeyCount } from './key-counts.ts';
import { drawLatency } from './latency.ts';
import { Ledger, type LedgerCall, type LedgerSummary } from './ledger.ts';
import { answerOwnPath } from './own-paths.ts';
import { Listener } from './listener.ts';
import { resolveUpstreamOptions, type ResolvedUpstreamOptions, type UpstreamOptions } from './options.ts';
import { readWhole } from './read-whole.ts';

/** A running API that misbehaves as it was told to. */
export interface Upstream {
  /** Without a slash at the end. */
  readonly url: string;
  ledger(): LedgerSummary;
  /** The latest calls, oldest first. */
  calls(): readonly LedgerCall[];
  callsByKey(): ReadonlyMap<string, KeyCount>;
  /** Cuts what is open and leaves no socket and no timer behind. */
  close(): Promise<void>;
}

export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = new UpstreamServer(resolveUpstreamOptions(options));
  await upstream.open();
  return upstream;
}

class UpstreamServer implements Upstream {
  readonly #options: ResolvedUpstreamOptions;
  readonly #ledger: Ledger;
  readonly #gatekeeper: Gatekeeper;
  readonly #server: Server;
  readonly #listener: Listener;
  readonly #waiting = new Set<Timer>();
  readonly #startedAt: MonotonicMs;
  readonly #startedAtIso: string;
  #outagesScheduled = false;

  constructor(options: ResolvedUpstreamOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#startedAtIso = new Date(options.clock.wallTime()).toISOString();
    this.#gatekeeper = new Gatekeeper(options);
    this.#ledger = new Ledger({
      maxCalls: options.ledgerCalls,
      maxKeys: options.ledgerKeys,
      periodMs: options.limit?.periodMs ?? 1_000,
    });
    // An idle connection that the server closes looks like a fault that nobody asked for: keep them.
    this.#server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, (request, response) => {
      this.#receive(request, response);
    });
    this.#listener = new Listener(this.#server, options.clock, options.port, options.host);
  }

  get url(): string {
    return this.#listener.url;
  }

  async open(): Promise<void> {
    await this.#listener.open();
    this.#scheduleOutages();
  }

  ledger(): LedgerSummary {
    return this.#ledger.summary(this.#startedAtIso, this.#options.clock.now() - this.#startedAt);
  }

  calls(): readonly LedgerCall[] {
    return this.#ledger.calls();
  }

  callsByKey(): ReadonlyMap<string, KeyCount> {
    return this.#ledger.callsByKey();
  }

  async close(): Promise<void> {
    for (const timer of this.#waiting) timer.cancel();
    this.#waiting.clear();
    await this.#listener.close();
  }

  #scheduleOutages(): void {
    const origin = this.#gatekeeper.originAt;
    if (this.#outagesScheduled || origin === undefined) return;
    this.#outagesScheduled = true;
    this.#listener.schedule(this.#options.outages, this.#options.clock.now() - origin);
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const now = this.#options.clock.now();
    if (request.url?.startsWith('/_')) {
      const status = { outage: this.#gatekeeper.outageMode(now) ?? null, summary: () => this.ledger() };
      if (answerOwnPath(request, response, this.#ledger, status)) return;
    }
    const admission = this.#gatekeeper.admit(now, request.headers.authorization);
    this.#scheduleOutages();
    this.#ledger.arrived(now, admission.kind === 'admitted');
    readWhole(request, (text, ending) => {
      const call = receivedCall(request, text);
      const entry = this.#enter(call, now, ending === 'whole' && admission.kind === 'admitted');
      if (ending === 'cut') return this.#ledger.settle(entry, 'abandoned', null);
      if (ending === 'too-large') {
        return this.#ledger.settle(entry, '413', sendError(response, 413, 'body above 1 MiB', { connection: 'close' }));
      }
      this.#answer(admission, { request, response, call, entry });
    });
  }

  #enter(call: ReceivedCall, now: MonotonicMs, admitted: boolean): LedgerCall {
    return this.#ledger.open(
      {
        atMs: Math.round((now - this.#startedAt) * 1_000) / 1_000,
        method: call.method,
        path: call.target.pathname + call.target.search,
        key: callKey(call, this.#options.keyBy),
        position: positionOf(call.target, call.body),
      },
      admitted,
    );
  }

  #answer(admission: Admission, exchange: Exchange): void {
    const { request, response, entry } = exchange;
    switch (admission.kind) {
      case 'unauthorized':
        return this.#ledger.settle(entry, '401', sendError(response, 401, 'send Authorization: Bearer and the token'));
      case 'limited':
        return this.#ledger.settle(entry, '429', sendLimited(response, admission.retryAfterMs));
      case 'outage':
        if (admission.mode !== '503') return this.#ledger.settle(entry, 'outage', cutConnection(request));
        // An attempt number of 0 never meets the API's own dice, so outages don't shift them.
        return this.#later(exchange, this.#delayOf(entry), () => {
          this.#ledger.settle(entry, 'outage', sendError(response, 503, 'out of service'));
        });
      case 'admitted': {
        const dice = diceOf(this.#options.seed, entry.key, entry.attempt);
        const fault = pickFault(this.#options.fail, dice.next());
        const delayMs = drawLatency(this.#options.latency, dice);
        this.#later(exchange, fault === 'hang' ? 0 : delayMs, () => this.#end(exchange, fault));
      }
    }
  }

  #delayOf(entry: LedgerCall): number {
    return drawLatency(this.#options.latency, diceOf(this.#options.seed, entry.key, entry.attempt));
  }

  /** Waits out the latency; a caller that leaves meanwhile is written down as gone. */
  #later({ response, entry }: Exchange, delayMs: number, act: () => void): void {
    if (delayMs <= 0) return act();
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#waiting.delete(timer);
      response.off('close', gone);
      act();
    });
    const gone = (): void => {
      timer.cancel();
      this.#waiting.delete(timer);
      // In an outage that refuses, it is the server that went away.
      const refusing = this.#gatekeeper.outageMode(this.#options.clock.now()) === 'refuse';
      this.#ledger.settle(entry, refusing ? 'outage' : 'abandoned', null);
    };
    this.#waiting.add(timer);
    response.once('close', gone);
  }

  #end({ request, response, call, entry }: Exchange, fault: Fault | undefined): void {
    const outcome = fault ?? 'answered';
    const settle = (status: number | null): void => this.#ledger.settle(entry, outcome, status);
    switch (fault) {
      case undefined:
        return settle(sendCard(response, call));
      case 'reset':
        return settle(cutConnection(request));
      case 'hang':
        return settle(null);
      case 'half':
        return settle(sendHalf(response, call));
      case 'bad-json':
        return settle(sendBadJson(response, call));
      default:
        return settle(sendError(response, Number(fault), 'this call was chosen to fail'));
    }
  }
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly call: ReceivedCall;
  readonly entry: LedgerCall;
}
