/** Files that the tests pass to the page. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';

const PHOTOGRAPH = fileURLToPath(new URL('../../../../examples/chelsea.png', import.meta.url));

/** A file for Playwright's file chooser. */
export interface Picture {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

export type Pictures = Readonly<Record<Kind, Picture>>;
type Kind = 'photograph' | 'text' | 'empty' | 'drawing' | 'huge' | 'framed' | Mosaic | Glass;
type Mosaic = 'upright' | 'turned' | 'turnedWithoutExif';
type Glass = 'transparent' | 'onWhite' | 'opaque';

/** JPEGs that decode to the same pixels in every orientation, because every block of 8x8 pixels has one color. */
async function mosaics(): Promise<Pick<Pictures, Mosaic>> {
  const tiles = await sharp(PHOTOGRAPH).resize(64, 40, { fit: 'fill' }).png().toBuffer();
  const upright = await sharp(tiles).resize(512, 320, { kernel: 'nearest' }).png().toBuffer();
  // Orientation 6: rotate by 90° clockwise to display.
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

const pngOf = async (name: string, image: Sharp): Promise<Picture> => ({
  name,
  mimeType: 'image/png',
  buffer: await image.png().toBuffer(),
});

/** The photograph with a transparent half, the same on white, and the photograph without alpha. */
async function glass(): Promise<Pick<Pictures, Glass>> {
  const opaque = sharp(PHOTOGRAPH).removeAlpha();
  const { data, info } = await opaque.clone().ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  for (let i = 0; i < data.length; i += 4) if ((i / 4) % info.width < info.width / 2) data[i + 3] = 0;
  const { width, height } = info;
  const transparent = sharp(data, { raw: { width, height, channels: 4 } });
  return {
    transparent: await pngOf('transparent.png', transparent.clone()),
    onWhite: await pngOf('white.png', transparent.clone().flatten({ background: 'white' })),
    opaque: await pngOf('opaque.png', opaque.clone()),
  };
}

/** A blue square in a red frame, which lies outside of the center crop with the usual crop_pct. */
const framed = (): Promise<Picture> =>
  pngOf(
    'framed.png',
    sharp({ create: { width: 600, height: 600, channels: 3, background: '#00f' } }).extend({
      ...{ top: 20, bottom: 20, left: 20, right: 20 },
      background: '#f00',
    }),
  );

export async function makePictures(): Promise<Pictures> {
  const side = 12_000;
  const huge = sharp({
    create: { width: side, height: side, channels: 3, background: 'teal' },
    limitInputPixels: false,
  });
  return {
    photograph: { name: 'chelsea.png', mimeType: 'image/png', buffer: await readFile(PHOTOGRAPH) },
    ...(await mosaics()),
    ...(await glass()),
    framed: await framed(),
    text: { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('no picture at all') },
    empty: { name: 'empty.png', mimeType: 'image/png', buffer: Buffer.alloc(0) },
    // <img> displays SVG, but createImageBitmap rejects it.
    drawing: {
      name: 'drawing.svg',
      mimeType: 'image/svg+xml',
      buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'),
    },
    huge: { name: 'huge.png', mimeType: 'image/png', buffer: await huge.png().toBuffer() },
  };
}
