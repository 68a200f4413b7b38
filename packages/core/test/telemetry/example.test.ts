import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const example = fileURLToPath(new URL('../../../../examples/status-page.mjs', import.meta.url));

it('the example serves its status page and its health, logs as JSON, and leaves nothing behind when it is told to stop', async () => {
  const child = spawn(process.execPath, [example, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const listening = new Promise<number>((resolve) => {
    reader.on('line', (line) => {
      lines.push(line);
      const { message, port } = JSON.parse(line) as { readonly message: string; readonly port: number };
      if (message === 'listening') resolve(port);
    });
  });
  const url = `http://127.0.0.1:${await listening}`;
  const text = await (await fetch(url, { headers: { connection: 'close' } })).text();
  expect(text).toMatch(/^Shop: /);
  for (const name of ['inventory', 'payments-breaker', 'users', 'logins']) expect(text).toContain(name);
  const ready = await fetch(`${url}/ready`, { headers: { connection: 'close', 'x-request-id': 'req-7' } });
  expect(((await ready.json()) as { checks: object }).checks).toHaveProperty('inventory');
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
});
