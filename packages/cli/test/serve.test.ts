/** `breakwater serve` and `breakwater devices`, as the README shows them. */
import { expect, it } from 'vitest';
import { start, temporaryFolder } from './programs.ts';

it('serve takes a reading over HTTP, devices shows it, and SIGTERM ends it in order', async () => {
  const folder = temporaryFolder();
  const service = start(['serve', '--port', '0', '--store', folder.path('devices.sqlite'), '--log-level', 'silent'], {
    cwd: folder.path('.'),
  });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      service.process.stdout?.on('data', (text: string) => {
        said += text;
        const [, found] = /listening on (\S+)\n/.exec(said) ?? [];
        if (found !== undefined) resolve(found);
      });
      void service.ended.then((ended) => reject(new Error(`it has ended: ${JSON.stringify(ended)}`)));
    });
    const reading = {
      ...{ request_id: 'req_456', device_id: 'station_123', timestamp: '2024-03-01T12:00:00Z' },
      ...{ index: 'T', values: [25.5] },
    };
    const posted = await fetch(`${url}/v1/readings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(reading),
    });
    expect(await posted.json()).toMatchObject({ stored: 1 });
    const env = { DEVICE_CACHE_URL: url };
    const put = await start(['devices', 'put', 'station_123', '{"name":"Roof"}'], { env }).ended;
    expect(put).toMatchObject({ code: 0, stderr: '' });
    const { stdout } = await start(['devices', 'get', 'station_123', '--json'], { env }).ended;
    expect(JSON.parse(stdout)).toMatchObject({
      metadata: { name: 'Roof' },
      readings: [{ index: 'T', values: [25.5] }],
    });
    expect((await start(['devices', 'health'], { env }).ended).stdout).toMatch(/^(healthy|degraded)/);
  } finally {
    service.process.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ code: 0 });
    folder.remove();
  }
});

it('serve says what is wrong with its options, all at once, and has help of its own', async () => {
  const ended = await start(['serve', '--port', '70000', '--no-such-option']).ended;
  expect(ended.code).toBe(5);
  expect(ended.stderr).toMatch(/error: /);
  const help = await start(['serve', '--help']).ended;
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('--port');
});
