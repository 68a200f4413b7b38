// Converts images with sharp, each once an hour however many ask. Needs `npm install sharp breakwater`.
import { imageCache } from 'breakwater/cache';
import sharp from 'sharp';

const images = imageCache({
  convert: async (bytes, format, { signal }) => {
    const { data, info } = await sharp(bytes, { limitInputPixels: 100_000_000 }).toFormat(format).toBuffer({
      resolveWithObject: true,
    });
    signal.throwIfAborted();
    return { bytes: data, width: info.width, height: info.height };
  },
});

const [dataUrl, format = 'webp'] = process.argv.slice(2);
const { metadata } = await images.convert(dataUrl, format);
console.log(metadata);
await images.close();
