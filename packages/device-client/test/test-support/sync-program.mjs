// A script as users write it, on what is built: `node sync-program.mjs get|list|errors URL …`.
import { SyncDeviceCacheClient } from '@breakwater/device-client/sync';

const [what, url, ...ids] = process.argv.slice(2);
const client = new SyncDeviceCacheClient({ url, token: 'a-token' });

const thrown = (act) => {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

function errors() {
  const away = new SyncDeviceCacheClient({ host: '127.0.0.1', port: 1 }, { maxAttempts: 1 });
  const found = [
    thrown(() => client.getDevice('nobody')),
    thrown(() => client.getDevice('../x')),
    thrown(() => away.getDevice('a')),
    thrown(() => new SyncDeviceCacheClient({ url: 'ftp://x' })),
    thrown(() => new SyncDeviceCacheClient({ url, token: () => 'x' })),
  ];
  client.close();
  client.close();
  found.push(thrown(() => client.getDevice('a')));
  return found.map((error) => {
    const fact = error.deviceId ?? error.faults?.[0]?.path ?? error.details?.reason ?? null;
    return [error.constructor.name, error.code, fact];
  });
}

const programs = {
  get: () => ids.map((id) => client.getDevice(id).readings[0].values),
  list: () => ({
    all: [...client.listDevices({ limit: 2 })].map(({ id }) => id),
    page: client.listPage({ limit: 2, offset: 1 }).devices.map(({ id }) => id),
  }),
  errors,
};
console.log(JSON.stringify(programs[what]()));
