/** Image files whose defects are detected only when their bytes are decoded. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import sharp from 'sharp';
import { chunk, PNG_HEAD } from '../../image/imageFiles.js';
import { ROOT } from '../consumer.js';

export const photograph = (): Promise<Buffer> => readFile(join(ROOT, 'examples/chelsea.png'));

/** A JPEG with many additional scans: each takes ten bytes, and makes the decoder process the entire image. */
export async function manyScans(scans: number): Promise<Buffer> {
  const file = await sharp(await photograph())
    .jpeg({ progressive: true })
    .toBuffer();
  // Refines the last bit of the first coefficients again, without data.
  const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0x10]);
  return Buffer.concat([file.subarray(0, -2), ...Array.from({ length: scans }, () => scan), file.subarray(-2)]);
}

/** A file of the same length with bytes in the middle that are not a valid code of a progressive JPEG. */
export function damaged(file: Uint8Array): Buffer {
  const bytes = Buffer.from(file);
  return bytes.fill(Buffer.from([0xff, 0]), bytes.length >> 1, (bytes.length >> 1) + 40);
}

/** Deflated zeros: about a thousandth of the given size. */
export const zeros = (mebibytes: number): Promise<Buffer> => promisify(deflate)(Buffer.alloc(mebibytes * 2 ** 20));

/** A PNG of 64 x 64 whose pixel data inflate to the given size. */
export async function inflating(mebibytes: number): Promise<Buffer> {
  const file = await sharp(await photograph())
    .resize(64, 64)
    .png()
    .toBuffer();
  return Buffer.concat([
    file.subarray(0, PNG_HEAD),
    chunk('IDAT', await zeros(mebibytes)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A gray PNG of 16 bits, which decoders read differently. */
export const grayOf16Bits = (): Promise<Buffer> =>
  sharp(Uint16Array.from([1, 2]), { raw: { width: 2, height: 1, channels: 1 } })
    .toColorspace('grey16')
    .png()
    .toBuffer();
