// The codecs of the cache. Times are multiples of JSON's for the same values, and bytes are counted.
import { jsonCodec, packCodec, richCodec } from '../../packages/core/dist/cache/index.js';

/** A page of records, as an API gives them. */
const records = Array.from({ length: 100 }, (_, id) => ({
  id,
  name: `Ada Lovelace ${id}`,
  email: `ada${id}@example.org`,
  active: id % 2 === 0,
  score: id / 7,
  tags: ['a', 'b'],
  address: { street: `Analytical Row ${id}`, zip: 10_000 + id },
}));

/** One that writes a value and reads it back. */
const thereAndBack = (codec, kept) => async () => codec.decode(codec.encode(kept));
const packed = (use, options) => {
  const { Packr } = use('msgpackr');
  return packCodec(new Packr(options));
};

export const cacheCodecRows = [
  {
    name: 'cache codec, msgpackr, a hundred records there and back, to JSON',
    ceiling: 1,
    digits: 2,
    bareOf: () => thereAndBack(jsonCodec, records),
    ours: (use) => thereAndBack(packed(use), records),
    rivals: { 'the rich codec': () => thereAndBack(richCodec, records) },
  },
  {
    name: 'cache codec, msgpackr, one record there and back, to JSON',
    ceiling: 1,
    digits: 2,
    bareOf: () => thereAndBack(jsonCodec, records[7]),
    // To tell the shape of a record apart from it pays only where there are several.
    ours: (use) => thereAndBack(packed(use, { useRecords: false }), records[7]),
    rivals: { 'the rich codec': () => thereAndBack(richCodec, records[7]) },
  },
  {
    name: 'cache codec, msgpackr, bytes of a hundred records',
    unit: 'count',
    // Half of what JSON takes.
    ceiling: jsonCodec.encode(records).length / 2,
    ours: async (use) => packed(use).encode(records).length,
    rivals: {
      JSON: async () => jsonCodec.encode(records).length,
      'the rich codec': async () => richCodec.encode(records).length,
    },
  },
];
