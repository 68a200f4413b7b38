import type { Datatype, Reading } from '@breakwater/device-client/contract';
import type { FencedReading } from '../../message/fence.ts';

/** The moment from which tests count. */
export const START_MS = Date.UTC(2026, 0, 1);

export const temperature: Datatype = {
  datatype_id: 7,
  datatype_name: 'Temperature',
  datatype_unit: 'Celsius',
  datatype_type: ['float'],
  datatype_category: 'P',
  persist: true,
};

/** A reading of a station, as the normaliser would send it. */
export function reading(device: string, more: Partial<Reading> = {}): Reading {
  return {
    request_id: '6f1c4b1e-8f5e-4f0e-9b39-0d4f4fb2a456',
    timestamp: new Date(START_MS).toISOString(),
    device_id: device,
    values: [25.5],
    labels: ['Temperature'],
    display_names: null,
    index: 'T',
    metadata: temperature,
    ...more,
  };
}

/** The same with its place in the order: `atMs` after the start. */
export function fenced(device: string, atMs: number, more: Partial<Reading> & { offset?: number } = {}): FencedReading {
  const { offset = 0, ...fields } = more;
  const timestamp = new Date(START_MS + atMs).toISOString();
  return { reading: reading(device, { timestamp, ...fields }), timestampUs: (START_MS + atMs) * 1_000, offset };
}
