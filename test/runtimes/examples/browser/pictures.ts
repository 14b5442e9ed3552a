/** Files that are given to the page. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const PHOTOGRAPH = fileURLToPath(new URL('../../../../examples/chelsea.png', import.meta.url));

/** As Playwright gives it to a file chooser. */
export interface Picture {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

export type Pictures = Readonly<Record<Kind, Picture>>;
type Kind = 'photograph' | 'upright' | 'turned' | 'turnedWithoutExif' | 'text' | 'drawing' | 'huge';

/**
 * JPEGs that decode to the same pixels however they are turned: every block of 8x8 is of one
 * colour, and only that is stored of it.
 */
async function mosaics(): Promise<Pick<Pictures, 'upright' | 'turned' | 'turnedWithoutExif'>> {
  const tiles = await sharp(PHOTOGRAPH).resize(64, 40, { fit: 'fill' }).png().toBuffer();
  const upright = await sharp(tiles).resize(512, 320, { kernel: 'nearest' }).png().toBuffer();
  // Orientation 6: turn it by a quarter clockwise to see it upright.
  const turned = await sharp(upright).rotate(270).png().toBuffer();
  const jpeg = async (name: string, pixels: Buffer, orientation?: number): Promise<Picture> => {
    const image = sharp(pixels).jpeg({ quality: 100, chromaSubsampling: '4:4:4' });
    const buffer = await (orientation === undefined ? image : image.withMetadata({ orientation })).toBuffer();
    return { name, mimeType: 'image/jpeg', buffer };
  };
  return {
    upright: await jpeg('upright.jpg', upright),
    turned: await jpeg('turned.jpg', turned, 6),
    turnedWithoutExif: await jpeg('without-exif.jpg', turned),
  };
}

export async function makePictures(): Promise<Pictures> {
  const side = 12_000;
  const huge = sharp({
    create: { width: side, height: side, channels: 3, background: 'teal' },
    limitInputPixels: false,
  });
  return {
    photograph: { name: 'chelsea.png', mimeType: 'image/png', buffer: await readFile(PHOTOGRAPH) },
    ...(await mosaics()),
    text: { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('no picture at all') },
    // An <img> shows one; createImageBitmap does not take it.
    drawing: {
      name: 'drawing.svg',
      mimeType: 'image/svg+xml',
      buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'),
    },
    huge: { name: 'huge.png', mimeType: 'image/png', buffer: await huge.png().toBuffer() },
  };
}
