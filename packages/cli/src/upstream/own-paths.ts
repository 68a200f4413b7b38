import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson } from './answers.ts';
import type { Ledger, LedgerSummary } from './ledger.ts';
import type { OutageMode } from './outages.ts';

interface Status {
  readonly outage: OutageMode | null;
  readonly summary: () => LedgerSummary;
}

/** `/_ledger` and `/_health`: about the server, not of the API. They are never limited, failed or written down. */
export function answerOwnPath(
  request: IncomingMessage,
  response: ServerResponse,
  ledger: Ledger,
  status: Status,
): boolean {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://upstream');
  if (pathname !== '/_ledger' && pathname !== '/_health') return false;
  request.resume();
  if (pathname === '/_health') {
    sendJson(response, 200, { ok: true, outage: status.outage, calls: status.summary().calls });
  } else if (request.method === 'DELETE') {
    ledger.reset();
    response.writeHead(204).end();
  } else if (searchParams.get('format') === 'jsonl') {
    response.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' });
    response.end(
      ledger
        .calls()
        .map((call) => `${JSON.stringify(call)}\n`)
        .join(''),
    );
  } else if (searchParams.get('keys') === 'all') {
    sendJson(response, 200, { ...status.summary(), callsByKey: Object.fromEntries(ledger.callsByKey()) });
  } else {
    sendJson(response, 200, status.summary());
  }
  return true;
}
