/** Image files of every kind that `imageInfo` distinguishes, and functions to build unusual ones. */
import sharp, { type Sharp } from 'sharp';
import { crc32 } from '../data/sets/crc32.js';

export const [WIDTH, HEIGHT] = [13, 7];

/** Distinct pixels, as raw RGB. */
export const PIXELS = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => [i * 2, i * 5, 255 - i][i % 3]);

const base = (): Sharp => sharp(PIXELS, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });

/** Two different frames, because equal ones are merged. */
async function animation(): Promise<Buffer> {
  const frames = await Promise.all([base().png().toBuffer(), base().negate().png().toBuffer()]);
  return sharp(frames, { join: { animated: true } })
    .webp({ loop: 0, delay: [100, 100] })
    .toBuffer();
}

/** A chunk of PNG. */
export function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** Bytes of the signature and header of a PNG. */
export const PNG_HEAD = 33;

/** A PNG with a chunk after its header. */
export const withChunk = (png: Buffer, name: string, data: Uint8Array): Buffer =>
  Buffer.concat([png.subarray(0, PNG_HEAD), chunk(name, data), png.subarray(PNG_HEAD)]);

/** The number of frames and of repetitions. */
const acTL = Buffer.from([0, 0, 0, 2, 0, 0, 0, 0]);

export const FILES: Readonly<Record<string, () => Promise<Buffer>>> = {
  'png of 8 bits': () => base().png().toBuffer(),
  'png of 16 bits': () => base().toColorspace('rgb16').png().toBuffer(),
  'png in gray': () => base().toColorspace('b-w').png().toBuffer(),
  'png with alpha': () => base().ensureAlpha(0.5).png().toBuffer(),
  'png in gray with alpha': () => base().toColorspace('b-w').ensureAlpha(0.5).png().toBuffer(),
  'png of a palette': () => base().png({ palette: true, colors: 16 }).toBuffer(),
  'png of a palette with alpha': () => base().ensureAlpha(0.5).png({ palette: true, colors: 16 }).toBuffer(),
  'animated png': async () => withChunk(await base().png().toBuffer(), 'acTL', acTL),
  jpeg: () => base().jpeg().toBuffer(),
  'progressive jpeg': () => base().jpeg({ progressive: true }).toBuffer(),
  'jpeg in gray': () => base().toColorspace('b-w').jpeg().toBuffer(),
  'jpeg in cmyk': () => base().toColorspace('cmyk').jpeg().toBuffer(),
  'lossy webp': () => base().webp().toBuffer(),
  'lossless webp': () => base().webp({ lossless: true }).toBuffer(),
  'lossy webp with alpha': () => base().ensureAlpha(0.5).webp().toBuffer(),
  'lossless webp with alpha': () => base().ensureAlpha(0.5).webp({ lossless: true }).toBuffer(),
  'animated webp': animation,
};

/** An image with an orientation in EXIF, lossless except for JPEG. */
export const orientedImage = (format: 'png' | 'jpeg' | 'webp', orientation: number): Promise<Buffer> =>
  base()
    .withMetadata({ orientation })
    .toFormat(format, format === 'webp' ? { lossless: true } : {})
    .toBuffer();
