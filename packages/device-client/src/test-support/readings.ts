import type { Datatype, Reading } from '../contract/reading.ts';

/** What a test says of a reading; the rest is as usual. */
export interface ReadingFacts {
  readonly device?: string;
  readonly index?: string;
  readonly category?: string | null;
  readonly unit?: string | null;
  readonly datatype?: string;
  readonly values?: Reading['values'];
  readonly timestamp?: string;
  readonly more?: object;
}

/** A reading of a station. */
export function readingOfStation(facts: ReadingFacts = {}): Reading {
  const { device = 'station_123', index = 'T', category = 'P', unit = 'Celsius', datatype = 'Temperature' } = facts;
  const { values = [25.5], timestamp = '2024-03-01T12:00:00Z', more = {} } = facts;
  const metadata: Datatype | null =
    category === null
      ? null
      : {
          datatype_id: `dt_${datatype}`,
          datatype_name: datatype,
          datatype_unit: unit,
          datatype_type: ['float'],
          datatype_category: category,
          persist: true,
        };
  return {
    ...{ request_id: 'req_456', timestamp, device_id: device, values, labels: null, display_names: null, index },
    metadata,
    ...more,
  };
}
