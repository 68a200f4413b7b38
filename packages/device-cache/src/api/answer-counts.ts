/** How many answers there were and how long they took, by method, route and status. */
import type { FastifyInstance } from 'fastify';
import type { Cell, Counters } from '../metrics/counters.ts';

/** Counts one kind of answer. */
export class AnswerCount {
  private readonly requests: Cell;
  private readonly seconds: Cell;

  constructor(counters: Counters, method: string, route: string, status: number) {
    this.requests = counters.cell('http_requests_total', { method, route, status: String(status) });
    this.seconds = counters.cell('http_request_seconds_total', { method, route });
  }

  add(elapsedMs: number): void {
    this.requests.value++;
    this.seconds.value += elapsedMs / 1_000;
  }
}

/** Counts every answer of the framework. */
export function countAnswers(app: FastifyInstance, counters: Counters): void {
  // By the configuration of a route, which is its own; all requests for what is not there share one.
  const byRoute = new Map<object, Map<string, AnswerCount>>();
  app.addHook('onResponse', (request, reply, done) => {
    const { config, url = 'unknown' } = request.routeOptions;
    const { method } = request;
    const { statusCode } = reply;
    let counts = byRoute.get(config);
    if (counts === undefined) byRoute.set(config, (counts = new Map()));
    const kind = statusCode === 200 ? method : `${method} ${statusCode}`;
    let count = counts.get(kind);
    // Methods, routes and statuses are few.
    if (count === undefined) counts.set(kind, (count = new AnswerCount(counters, method, url, statusCode)));
    count.add(reply.elapsedTime);
    done();
  });
}
