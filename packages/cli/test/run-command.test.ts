import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { results, runJson, start, temporaryFolder, words } from './programs.ts';

const folder = temporaryFolder();
let server: Server;
let url: string;
/** What the upstream does with a call; each test sets its own. */
let answer: (body: string, request: IncomingMessage, response: ServerResponse) => void;
let calls: { readonly url: string; readonly body: string; readonly headers: IncomingMessage['headers'] }[];
let number = 0;
let input: string;
let out: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString('utf8')));
    request.on('end', () => {
      calls.push({ url: request.url ?? '', body, headers: request.headers });
      answer(body, request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  folder.remove();
});
beforeEach(() => {
  calls = [];
  answer = (body, _, response) => json(response, 200, `{"echo":${body || 'null'}}`);
  number += 1;
  input = folder.path(`words-${number}.csv`);
  out = folder.path(`out-${number}.jsonl`);
});
afterEach(() => server.closeIdleConnections());

function json(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}

describe('results', () => {
  it('stand in the order of the input although they come in another, each with its row', async () => {
    writeFileSync(input, words(30));
    answer = (body, _, response) => {
      const { position } = JSON.parse(body) as { position: string };
      setTimeout(() => json(response, 200, body), 30 - Number(position));
    };
    expect((await runJson([input, '--url', url, '--out', out, '-c', '30'])).code).toBe(0);
    expect(results(out).map(({ position, row }) => [position, row['position']])).toEqual(
      Array.from({ length: 30 }, (_, i) => [i + 1, String(i + 1)]),
    );
  });

  it('of failed rows carry a structured error, and a batch in which all failed exits with 2', async () => {
    writeFileSync(input, words(3));
    answer = (_, __, response) => json(response, 404, '{"reason":"no such word"}');
    const { code, summary } = await runJson([input, '--url', url, '--out', out]);
    expect([code, summary.failed, summary.failures]).toMatchObject([
      2,
      3,
      [{ category: 'not_found', rows: 3, samplePositions: [1, 2, 3] }],
    ]);
    expect(summary.retryFailedCommand).toContain('--resume --retry-failed');
    expect(results(out)[1]).toMatchObject({
      ok: false,
      status: 404,
      error: { code: 'HTTP_404', category: 'not_found', response: '{"reason":"no such word"}' },
    });
  });

  it('go into CSV with one header, also after a resume', async () => {
    const csv = folder.path('out.csv');
    writeFileSync(input, words(4));
    answer = (body, _, response) => json(response, body.includes('단어3') ? 422 : 200, '{"a":1}');
    const args = [input, '--url', url, '--out', csv, '--select', '/a'];
    expect((await runJson(args)).code).toBe(2);
    answer = (_, __, response) => json(response, 200, '{"a":1}');
    const { code, summary } = await runJson([...args, '--retry-failed']);
    expect([code, summary.answered, summary.calls, summary.resumedRows]).toEqual([0, 4, 1, 3]);
    const lines = readFileSync(csv, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => line.split(',').slice(0, 7).join())).toEqual([
      'position,term,type,_position,_ok,_status,_value',
      ...[1, 2, 3, 4].map((n) => `${n},단어${n},noun,${n},true,200,1`),
    ]);
  });

  it('keep byte order mark, carriage returns, semicolons, tabs, decomposed Hangul and a last line without break apart', async () => {
    const decomposed = '각'.normalize('NFD');
    writeFileSync(input, `\ufeffid;단어\r\n1;"a\tb"\r\n2;${decomposed}`);
    expect((await runJson([input, '--url', url, '--out', out, '--body', '{"w":"{{단어}}"}'])).code).toBe(0);
    expect(results(out).map(({ row }) => row)).toEqual([
      { id: '1', 단어: 'a\tb' },
      { id: '2', 단어: decomposed },
    ]);
    expect(calls.map(({ body }) => body).toSorted()).toEqual([`{"w":"a\\tb"}`, `{"w":"${decomposed}"}`].toSorted());
  });

  it('account for rows that cannot be called, without calling them', async () => {
    writeFileSync(input, 'id,term\n1,a\n2\n3,c\n');
    const { code, summary } = await runJson([input, '--url', url, '--out', out]);
    expect([code, calls.length, summary.failures[0]?.category]).toEqual([2, 2, 'validation']);
    expect(results(out)[1]).toMatchObject({
      position: 2,
      ok: false,
      error: { code: 'RAGGED_ROW', category: 'validation' },
      attempts: 0,
    });
  });

  it('of two rows with the same content are two results, with keys of their own', async () => {
    writeFileSync(input, 'a\nsame\nsame\n');
    expect((await runJson([input, '--url', url, '--out', out])).code).toBe(0);
    expect(results(out).length).toBe(2);
    expect(new Set(calls.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
  });
});

describe('an earlier run', () => {
  it('is neither overwritten nor mixed up: without --resume or --fresh the run is refused', async () => {
    writeFileSync(input, words(2));
    const args = ['run', input, '--url', url, '--out', out];
    expect((await start(args).ended).code).toBe(0);
    const before = readFileSync(out, 'utf8');
    const refused = await start(args).ended;
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/--resume .*--fresh/)]);
    const other = await start([...args, '--body', '{}', '--resume']).ended;
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('--body was not given, now it is {}')]);
    writeFileSync(input, words(3));
    const changed = await start([...args, '--resume']).ended;
    expect([changed.code, changed.stderr]).toEqual([1, expect.stringContaining('has changed since')]);
    expect([readFileSync(out, 'utf8'), calls.length]).toEqual([before, 2]);
  });

  it('that has finished leaves nothing to do', async () => {
    writeFileSync(input, words(2));
    await runJson([input, '--url', url, '--out', out]);
    const { code, summary } = await runJson([input, '--url', url, '--out', out, '--resume']);
    expect([code, summary.answered, summary.calls, calls.length]).toEqual([0, 2, 0, 2]);
    expect(readdirSync(`${out}.breakwater`)).toEqual(['journal']);
  });

  it('that still goes on keeps a second one off its output', async () => {
    writeFileSync(input, words(1));
    let release: (() => void) | undefined;
    const called = new Promise<void>((resolve) => {
      answer = (body, _, response) => {
        release = () => json(response, 200, body);
        resolve();
      };
    });
    const first = start(['run', input, '--url', url, '--out', out]);
    await called;
    const second = await start(['run', input, '--url', url, '--out', out, '--resume']).ended;
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining(`process ${first.process.pid}`)]);
    release?.();
    expect((await first.ended).code).toBe(0);
  });
});

describe('Ctrl-C', () => {
  it('begins no new rows, awaits those in flight, prints the command that goes on, and exits with 130', async () => {
    writeFileSync(input, words(50));
    const held: (() => void)[] = [];
    const four = new Promise<void>((resolve) => {
      answer = (body, _, response) => {
        held.push(() => json(response, 200, body));
        if (held.length === 4) resolve();
      };
    });
    const args = [input, '--url', url, '--out', out, '-c', '4'];
    const running = start(['run', ...args]);
    await four;
    running.process.kill('SIGINT');
    setTimeout(() => held.forEach((release) => release()), 100);
    const { code, stderr } = await running.ended;
    expect([code, calls.length, results(out).length]).toEqual([130, 4, 4]);
    expect(stderr).toContain(`${out} -c 4 --resume`);
    answer = (body, _, response) => json(response, 200, body);
    const resumed = await runJson([...args, '--resume']);
    expect([resumed.code, resumed.summary.calls, results(out).length]).toEqual([0, 46, 50]);
  });

  it('the second time ends at once', async () => {
    writeFileSync(input, words(5));
    let running: ReturnType<typeof start> | undefined;
    const called = new Promise<void>((resolve) => (answer = () => resolve()));
    running = start(['run', input, '--url', url, '--out', out]);
    await called;
    running.process.kill('SIGINT');
    setTimeout(() => running?.process.kill('SIGINT'), 100);
    expect((await running.ended).code).toBe(130);
  });
});

describe('credentials', () => {
  it('that are refused stop the run, are shown nowhere, and may be renewed for the resume', async () => {
    writeFileSync(input, words(100));
    answer = (_, request, response) => json(response, request.headers.authorization === 'Bearer new' ? 200 : 401, '{}');
    const args = [input, '--url', url, '--out', out, '--header-env', 'Authorization=TOKEN', '-c', '5'];
    const refused = await start(['run', ...args, '--log-level', 'debug'], { env: { TOKEN: 'Bearer 0ld-s3cret' } })
      .ended;
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('check the credentials')]);
    expect(calls.length).toBeLessThan(30);
    const written = readdirSync(`${out}.breakwater`).map((name) => readFileSync(`${out}.breakwater/${name}`, 'utf8'));
    expect([refused.stdout, refused.stderr, readFileSync(out, 'utf8'), ...written].join('')).not.toContain(
      '0ld-s3cret',
    );
    const renewed = await runJson([...args, '--retry-failed'], { env: { TOKEN: 'Bearer new' } });
    expect([renewed.code, renewed.summary.answered]).toEqual([0, 100]);
  });

  it('that are missing are a fault of configuration, named by the variable', async () => {
    writeFileSync(input, words(1));
    const { code, stderr } = await start(['run', input, '--url', url, '--out', out, '--header-env', 'A=NO_SUCH_TOKEN'])
      .ended;
    expect([code, stderr, existsSync(out)]).toEqual([5, expect.stringContaining('NO_SUCH_TOKEN is not set'), false]);
  });
});

describe('an upstream', () => {
  it('that does not answer ends the run with 3 and the command that goes on, and burns no row', async () => {
    writeFileSync(input, words(20));
    const { code, summary } = await runJson([
      input,
      '--url',
      'http://127.0.0.1:1/',
      '--out',
      out,
      '--max-outage',
      '1s',
    ]);
    expect([code, summary.answered, summary.failed, summary.remaining]).toEqual([3, 0, 0, 20]);
    // Only what was called again is a retry, not what waited and was never called.
    expect(summary.calls - summary.retries).toBeLessThanOrEqual(20);
    expect(summary.retries).toBeLessThan(summary.calls);
    expect(summary.resumeCommand).toContain('--resume');
  });

  it('that limits the rate is obeyed, and costs no row', async () => {
    writeFileSync(input, words(40));
    let allowed = 10;
    const refill = setInterval(() => (allowed = 10), 200);
    answer = (body, _, response) =>
      allowed-- > 0 ? json(response, 200, body) : json(response, 429, '{}', { 'retry-after': '0.2' });
    const { code, summary } = await runJson([input, '--url', url, '--out', out, '--max-attempts', '1']);
    clearInterval(refill);
    expect([code, summary.answered, summary.tooManyRequests > 0]).toEqual([0, 40, true]);
  });

  it('that asks to come back much later is left alone at once', async () => {
    writeFileSync(input, words(3));
    answer = (_, __, response) => json(response, 429, '{}', { 'retry-after': '3600' });
    const { code, summary } = await runJson([input, '--url', url, '--out', out]);
    expect([code, summary.failed, summary.remaining]).toEqual([3, 0, 3]);
  });

  it('that redirects elsewhere does not get what was meant for another', async () => {
    writeFileSync(input, words(1));
    answer = (_, __, response) => response.writeHead(302, { location: 'http://elsewhere.invalid/' }).end();
    expect((await runJson([input, '--url', url, '--out', out])).code).toBe(2);
    expect(results(out)[0]?.error?.message).toContain('redirects to http://elsewhere.invalid/');
  });
});

it('stops at the first failed row when told so', async () => {
  writeFileSync(input, words(100));
  answer = (_, __, response) => json(response, 400, '{}');
  const { code, summary } = await runJson([input, '--url', url, '--out', out, '--on-error', 'stop', '-c', '2']);
  expect([code, summary.ending]).toEqual([2, 'too-many-failures']);
  expect(summary.failed).toBeLessThanOrEqual(4);
  expect(summary.remaining).toBeGreaterThan(90);
});

it('reads a pipe, and resumes when the same comes again', async () => {
  const rows = '{"id":1}\n{"id":12345678901234567890}\n{"id":3}';
  const args = ['-', '--method', 'GET', '--url', `${url}/cards/{{id}}`, '--out', out];
  answer = (_, request, response) => json(response, request.url === '/cards/3' ? 400 : 200, '{}');
  expect((await runJson(args, { input: rows })).code).toBe(2);
  expect(calls.map((call) => call.url).toSorted()).toEqual(['/cards/1', '/cards/12345678901234567890', '/cards/3']);
  answer = (_, __, response) => json(response, 200, '{}');
  const { code, summary } = await runJson([...args, '--retry-failed'], { input: rows });
  expect([code, summary.calls, summary.answered, summary.rows]).toEqual([0, 1, 3, 3]);
  expect(readFileSync(out, 'utf8')).toContain('{"id":12345678901234567890}');
});

it('a dry run shows rows, invalid rows, the first request with credentials masked and the time, and calls nothing', async () => {
  writeFileSync(input, 'id,term\n1,a\n2\n3,c\n');
  const args = [
    'run',
    input,
    '--url',
    `${url}/{{id}}`,
    '--out',
    out,
    '--rate',
    '1/s',
    '--header-env',
    'X-Key=KEY',
    '--dry-run',
  ];
  const { code, stdout } = await start(args, { env: { KEY: 's3cret' } }).ended;
  expect([code, calls.length, existsSync(out), existsSync(`${out}.breakwater`)]).toEqual([0, 0, false, false]);
  expect(stdout).toMatch(/Rows +3\n/);
  expect(stdout).toMatch(/Invalid rows +1 .*\n +row 2: line 3 has 1 field/);
  expect(stdout).toMatch(/at least 1s/);
  expect(stdout).toContain('x-key: ***');
  expect(stdout).not.toContain('s3cret');
});

it.each([
  ['an unknown column', ['--body', '{"w":"{{trem}}"}'], /\{\{trem\}\} is not a column.*Did you mean \{\{term\}\}\?/],
  ['an unknown option', ['--frobnicate'], /unknown option '--frobnicate'/],
  ['a value out of range', ['--concurrency', '1001'], /1 to 1000/],
])('%s ends with 1 before anything is called', async (_, args, message) => {
  writeFileSync(input, words(1));
  const { code, stderr } = await start(['run', input, '--url', url, '--out', out, ...args]).ended;
  expect([code, calls.length, stderr]).toEqual([1, 0, expect.stringMatching(message)]);
});
