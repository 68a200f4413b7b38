/** What a service holds of these devices, by device and index; nothing where it does not know at the moment. */
export async function heldReadings(url: string, ids: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
  const held = new Map<string, unknown>();
  const response = await fetch(`${url}/v1/devices/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ids }),
  });
  if (!response.ok) return held;
  const { devices } = (await response.json()) as Batch;
  for (const { id, readings } of devices) for (const one of readings) held.set(`${id}/${one.index}`, one.values[0]);
  return held;
}

interface Batch {
  readonly devices: readonly {
    readonly id: string;
    readonly readings: readonly { readonly index: string; readonly values: readonly unknown[] }[];
  }[];
}
